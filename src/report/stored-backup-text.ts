import { countOf, formatAge, formatBytes } from './quantity.ts';
import type { StoredBackupRecord } from './report.ts';

/** What becomes of a stored backup and why; empty where retention was not applied. */
export function retentionText({ retention }: StoredBackupRecord): string {
  if (retention === null) return '';
  return `${retention.stays ? 'stays' : retention.removed ? 'removed' : 'goes'}: ${retention.reason}`;
}

/** A stored backup in one line of the log. */
export function storedBackupLine(record: StoredBackupRecord, now: Date): string {
  return [
    record.id,
    formatAge(now.getTime() - Date.parse(record.createdAt)),
    formatBytes(record.sizeBytes),
    record.proved ? 'proved' : 'not proved',
    record.appliedMigrations === null ? 'migrations unknown' : countOf(record.appliedMigrations, 'migration'),
    record.locations.join(' '),
    ...(record.retention === null ? [] : [retentionText(record)]),
  ].join('  ');
}
