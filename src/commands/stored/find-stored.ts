import type { Keys } from '../../backup/encryption/encryption.ts';
import { findBackup } from '../../backup/stored/find-backup.ts';
import { isOpen, type OpenedBackup, openBackup, readDetails } from '../../backup/stored/open-backup.ts';
import { originText } from '../../backup/stored/origin.ts';
import { isWholeIn, shownBackups } from '../../backup/stored/shown-backup.ts';
import type { ListedBackup } from '../../backup/stored/stored-backups.ts';
import type { TargetPort } from '../../database/database.ts';
import { countOf, formatBytes, formatCount, formatDuration } from '../../report/quantity.ts';
import type { BackupRecord } from '../../report/report.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { storedBackupLine } from '../../report/stored-backup-text.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import { serverNow } from '../shared/server-clock.ts';
import { systemIdentifierOf } from '../shared/server-origin.ts';
import type { RollbackSettings } from '../shared/settings.ts';

/** The stored backup that was asked for. */
interface FoundStored {
  readonly backup: ListedBackup;
  /** null where this only looks, and has no key for it. */
  readonly opened: OpenedBackup | null;
}

/**
 * The stored backup that was asked for; what was odd on the way is a warning, and what else there is a table. `latest` is
 * refused with SM_LATEST_UNCERTAIN where a newer one may be out of sight, unless this only looks.
 */
export async function findStored(
  context: Pick<CommandContext, 'report' | 'signal'>,
  storages: readonly Storage[],
  database: TargetPort,
  wanted: Pick<RollbackSettings, 'backup' | 'dryRun' | 'keys'>,
  log: PhaseLog,
): Promise<FoundStored> {
  const now = await serverNow(database, (line) => log.warn(line));
  const { backup, listed, warnings, doubts } = await findBackup(
    storages,
    database.address.database,
    wanted.backup,
    context.signal,
    // Whoever only looks may want to choose another one.
    { listAll: wanted.dryRun, systemIdentifier: await systemIdentifierOf(database) },
  );
  for (const warning of warnings) log.warn(warning);
  const records = shownBackups(listed);
  context.report.storedBackups(records);
  for (const record of records) log.detail(storedBackupLine(record, now));
  if (!wanted.dryRun && doubts.length > 0) throw uncertain(backup.id, doubts);
  const options = { signal: context.signal, warn: (line: string) => log.warn(line) };
  const opened = wanted.dryRun
    ? await lookThrough(backup, wanted.keys, options)
    : await openBackup(backup, wanted.keys, options);
  for (const line of describeBackup(backup, opened, now)) log.detail(line);
  return { backup, opened };
}

/**
 * As far as it can be told without fetching its dump: whether it is whole, and what it holds; whether it is authentic where
 * a key is given. null where what it holds is encrypted and there is no key.
 */
async function lookThrough(
  backup: ListedBackup,
  keys: Keys,
  options: { readonly signal: AbortSignal; readonly warn: (line: string) => void },
): Promise<OpenedBackup | null> {
  const { id, manifest, places } = backup;
  if (!places.some((place) => isWholeIn(backup, place))) {
    throw new SafeMigrateError({
      code: 'SM_BACKUP_DAMAGED',
      message: `${id} has a manifest, but no whole ${[manifest.file, manifest.details].map((file) => file?.name ?? '').join(' and ')} in ${places.map(({ url }) => url).join(', ')}`,
      hint: 'Use another backup, or another storage that holds this one.',
      docs: 'storage.md',
    });
  }
  if (keys.passphrase === null && keys.identities.length === 0) {
    options.warn(`${id} is not authenticated: what is said of it here rests on the storage's permissions`);
    if (isOpen(backup)) {
      return { listed: backup, details: await readDetails(backup, keys, options), authenticated: false };
    }
    options.warn(`what ${id} holds is encrypted: without its key, migrations and rows are not compared`);
    return null;
  }
  return await openBackup(backup, keys, options);
}

function uncertain(id: string, doubts: readonly string[]): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_LATEST_UNCERTAIN',
    message: `${id} is the newest backup that can be read, and there may be a newer one: ${doubts.join('; ')}`,
    hint: `Give \`backup: ${id}\` when that is the one that you mean.`,
    docs: 'rollback.md',
  });
}

/** What a person wants to know before he goes back to a backup. */
function describeBackup(
  { id, manifest, places }: ListedBackup,
  opened: OpenedBackup | null,
  now: Date,
): readonly string[] {
  const age = formatDuration(now.getTime() - Date.parse(manifest.createdAt));
  const proof = manifest.proof.proved
    ? 'restored and compared when it was made'
    : `not proved: ${opened?.details.proofProblem ?? manifest.proof.problem ?? 'verify was archive'}`;
  const { tables, rows } = manifest.counts;
  const address = opened?.details.address ?? null;
  return [
    `${id}, taken ${age} ago by ${manifest.command} (${manifest.createdAt}), ${proof}`,
    `${formatBytes(manifest.file.sizeBytes)} in ${places.map(({ url }) => url).join(', ')}, ${countOf(tables, 'table')}, ${formatCount(rows)} rows, from ${originText(manifest)}${address === null ? '' : ` at ${address}`}`,
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
