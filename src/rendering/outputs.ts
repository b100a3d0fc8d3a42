import type { Report } from '../report/report.ts';

/** The step's outputs by their public names, each as the text that a workflow reads; empty means none. */
export function outputsOf(report: Report, reportPath: string): Readonly<Record<OutputName, string>> {
  return {
    result: report.result,
    'recovery-method': report.recoveryMethod,
    'backup-id': report.backup?.id ?? '',
    'backup-locations': JSON.stringify(report.backup?.locations.map((location) => location.url) ?? []),
    'backup-size-bytes': report.backup === null ? '' : String(report.backup.sizeBytes),
    'backup-sha256': report.backup?.sha256 ?? '',
    'restore-proved': report.backup?.restoreProved ?? 'false',
    'pending-migrations': JSON.stringify(report.pendingMigrations),
    'applied-migrations': JSON.stringify(report.appliedMigrations),
    'failed-migration': report.failure?.migration ?? '',
    'failed-database': report.failedDatabase ?? '',
    'data-loss': JSON.stringify(report.dataLoss),
    drift: report.drift,
    'recovery-seconds': report.recoverySeconds === null ? '' : report.recoverySeconds.toFixed(3),
    report: reportPath,
  };
}

type OutputName =
  | 'result'
  | 'recovery-method'
  | 'backup-id'
  | 'backup-locations'
  | 'backup-size-bytes'
  | 'backup-sha256'
  | 'restore-proved'
  | 'pending-migrations'
  | 'applied-migrations'
  | 'failed-migration'
  | 'failed-database'
  | 'data-loss'
  | 'drift'
  | 'recovery-seconds'
  | 'report';
