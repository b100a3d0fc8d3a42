import { findBackup } from '../backup/find-backup.ts';
import { shownBackups } from '../backup/shown-backup.ts';
import type { ListedBackup } from '../backup/stored-backups.ts';
import { formatBytes, formatDuration } from '../report/quantity.ts';
import type { BackupRecord } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { storedBackupLine } from '../report/stored-backup-text.ts';
import type { Storage } from '../storage/storage.ts';
import type { CommandContext } from './context.ts';

/** The stored backup that was asked for; what was odd on the way is a warning, and what else there is a table. */
export async function findStored(
  context: Pick<CommandContext, 'report' | 'signal'>,
  storages: readonly Storage[],
  database: string,
  wanted: { readonly backup: string; readonly dryRun: boolean },
  log: PhaseLog,
): Promise<ListedBackup> {
  const now = new Date();
  const { backup, listed, warnings } = await findBackup(storages, database, wanted.backup, context.signal, {
    // Whoever only looks may want to choose another one.
    listAll: wanted.dryRun,
  });
  for (const warning of warnings) log.warn(warning);
  const records = shownBackups(listed);
  context.report.storedBackups(records);
  for (const record of records) log.detail(storedBackupLine(record, now));
  for (const line of describeBackup(backup, now)) log.detail(line);
  return backup;
}

/** What a person wants to know before he goes back to a backup. */
export function describeBackup({ id, manifest, places }: ListedBackup, now: Date): readonly string[] {
  const age = formatDuration(now.getTime() - Date.parse(manifest.createdAt));
  const proof = manifest.proof.proved
    ? 'restored and compared when it was made'
    : `not proved: ${manifest.proof.problem ?? 'verify was archive'}`;
  return [
    `${id}, taken ${age} ago by ${manifest.command} (${manifest.createdAt}), ${proof}`,
    `${formatBytes(manifest.file.sizeBytes)} in ${places.map(({ url }) => url).join(', ')}, from PostgreSQL ${manifest.server.version}`,
    manifest.gitCommit === null
      ? 'made outside of a workflow: it names no commit'
      : `made at commit ${manifest.gitCommit}`,
  ];
}

/** A stored backup as the report shows it; `restoreProved` is what this run knows. */
export function storedRecord(
  { id, manifest, places }: ListedBackup,
  restoreProved: BackupRecord['restoreProved'],
): BackupRecord {
  return {
    id,
    locations: places.map(({ storage, url }) => ({ url, storage: storage.kind, verified: '' })),
    sizeBytes: manifest.file.sizeBytes,
    sha256: manifest.file.sha256,
    restoreProved,
    encryption: manifest.encryption?.kind ?? null,
  };
}
