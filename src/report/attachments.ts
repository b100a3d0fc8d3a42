import type { Report } from './report.ts';

/** A file that stands beside report.json, for people to take away. */
export interface Attachment {
  readonly name: string;
  readonly text: string;
}

/** The SQL that a check proposes, whole, however little of it fits into a comment. */
export function attachmentsOf(report: Report): readonly Attachment[] {
  const missing = report.check?.missingMigrationSql ?? null;
  const reconcile = report.check?.drift?.reconcileSql ?? '';
  return [
    ...(missing === null ? [] : [{ name: 'missing-migration.sql', text: missing }]),
    ...(reconcile === '' ? [] : [{ name: 'reconcile-drift.sql', text: reconcile }]),
  ];
}
