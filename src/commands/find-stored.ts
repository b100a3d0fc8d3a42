import { findBackup } from '../backup/find-backup.ts';
import type { ListedBackup } from '../backup/stored-backups.ts';
import { formatBytes, formatDuration } from '../report/quantity.ts';
import type { BackupRecord } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import type { Storage } from '../storage/storage.ts';

/** The stored backup that was asked for; what was odd on the way is a warning. */
export async function findStored(
  storages: readonly Storage[],
  database: string,
  wanted: string,
  signal: AbortSignal,
  log: PhaseLog,
): Promise<ListedBackup> {
  const { backup, warnings } = await findBackup(storages, database, wanted, signal);
  for (const warning of warnings) log.warn(warning);
  for (const line of describeBackup(backup, new Date())) log.detail(line);
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
