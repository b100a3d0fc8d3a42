import { formatCount } from '../report/quantity.ts';
import type { RollbackReport } from '../report/rollback-report.ts';
import { code, plain, table } from './markdown-text.ts';

/** Rows of a table; the rest stands in report.json. */
const maximumRows = 100;

/** What the backup has not, for the job summary. */
export function rollbackSection(rollback: RollbackReport): string {
  const parts = [
    '### What the backup has not',
    `Backup ${code(rollback.backupId)} of ${plain(rollback.backupTakenAt)}${rollback.commit === null ? '' : `, made at commit ${code(rollback.commit)}`}`,
    migrationsSentence(rollback.migrations),
  ];
  if (rollback.tables !== null) parts.push(tables(rollback.tables));
  return parts.join('\n\n');
}

function migrationsSentence(migrations: RollbackReport['migrations']): string {
  if (migrations === null) return 'The migration history of the target could not be read.';
  if (migrations.length === 0) return 'No migration was applied after the backup.';
  return `Migrations applied after the backup: ${migrations.slice(0, maximumRows).map(code).join(', ')}${migrations.length > maximumRows ? ' …' : ''}`;
}

function tables(differing: NonNullable<RollbackReport['tables']>): string {
  if (differing.length === 0) return 'Every table has the same rows as in the backup.';
  const rows = differing
    .slice(0, maximumRows)
    .map(({ schema, table: name, rowsNow, rowsInBackup }) => [
      code(`${schema}.${name}`),
      countText(rowsNow),
      countText(rowsInBackup),
    ]);
  if (differing.length > maximumRows)
    rows.push([`and ${differing.length - maximumRows} more in the report`, '', '']);
  return table(['Table that differs', 'Rows now', 'Rows in the backup'], rows);
}

function countText(rows: number | null): string {
  return rows === null ? 'no such table' : formatCount(rows);
}
