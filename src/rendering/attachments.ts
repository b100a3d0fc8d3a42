import type { Report } from '../report/report.ts';

/** A file that stands beside report.json, for people to take away. */
interface Attachment {
  readonly name: string;
  readonly text: string;
}

/** The SQL that a check proposes, whole, however little of it fits into a comment. */
export function attachmentsOf(report: Report): readonly Attachment[] {
  const missing = report.check?.missingMigrationSql ?? null;
  const drift = report.check?.drift ?? null;
  return [
    ...(missing === null ? [] : [{ name: 'missing-migration.sql', text: missing }]),
    ...(drift === null || drift.reconcileSql === ''
      ? []
      : [{ name: 'reconcile-drift.sql', text: `${drift.reconcileSql}${leftOver(drift.byHand)}` }]),
  ];
}

/** Who has nothing but the file must not think that it does everything. */
function leftOver(byHand: readonly string[]): string {
  if (byHand.length === 0) return '';
  const lines = byHand.flatMap((each) => each.split(/[\n\r]+/)).map((line) => `-- ${line}`);
  return `\n\n-- What this does not do:\n${lines.join('\n')}`;
}
