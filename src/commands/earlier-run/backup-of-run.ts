import type { Keys } from '../../backup/encryption/encryption.ts';
import { findBackup } from '../../backup/stored/find-backup.ts';
import { isOpen, type OpenedBackup, openBackup, readDetails } from '../../backup/stored/open-backup.ts';
import type { TargetPort } from '../../database/database.ts';
import type { Journal } from '../../database/journal.ts';
import type { RestorableBackup } from '../../report/restore-by-hand.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { messageOf } from '../../system/errors.ts';
import { storedRecord } from '../stored/find-stored.ts';

interface BackupSearch {
  readonly storages: readonly Storage[];
  readonly database: Pick<TargetPort, 'address'>;
  readonly keys: Keys;
  readonly signal: AbortSignal;
}

/** The backup of a dead run, for its recovery; null when it cannot be used. The swap needs no knowledge of it. */
export async function backupToRecoverFrom(
  { storages, database, signal, keys }: BackupSearch,
  { backupId }: Journal,
  log: PhaseLog,
): Promise<OpenedBackup | null> {
  if (backupId === null) return null;
  try {
    const { backup } = await findBackup(storages, database.address.database, backupId, signal);
    const options = { signal, warn: (line: string) => log.warn(line) };
    // Without a passphrase it rests on the storage's permissions, as in a rollback.
    if (keys.passphrase === null && isOpen(backup)) {
      return { listed: backup, details: await readDetails(backup, keys, options), authenticated: false };
    }
    return await openBackup(backup, keys, options);
  } catch (error) {
    log.warn(`what its backup holds is not known: ${messageOf(error)}`);
    return null;
  }
}

/** The same for the commands that restore it by hand. */
export async function restorableBackupOf(
  { storages, database, signal }: BackupSearch,
  { backupId }: Journal,
): Promise<RestorableBackup | null> {
  if (backupId === null) return null;
  try {
    const { backup } = await findBackup(storages, database.address.database, backupId, signal);
    return storedRecord(backup, 'could-not-verify');
  } catch {
    // Then the ways are told without it.
    return null;
  }
}
