import type { PhaseRecord } from '../report/report.ts';

/**
 * The phases as a Mermaid gantt. Times are written and shown without a zone, so that every reader sees UTC.
 * Holds nothing but our own phase names.
 */
export function phaseChart(phases: readonly PhaseRecord[]): string {
  const bars = phases
    .filter((record) => record.status !== 'skipped')
    .map((record) => {
      const kind = record.status === 'failed' ? 'crit' : 'done';
      const start = record.startedAt.replace('T', ' ').replace('Z', '');
      return `  ${record.phase} :${kind}, ${start}, ${Math.max(1, Math.round(record.durationMs))}ms`;
    });
  return ['gantt', '  dateFormat YYYY-MM-DD HH:mm:ss.SSS', '  axisFormat %H:%M:%S', ...bars].join('\n');
}
