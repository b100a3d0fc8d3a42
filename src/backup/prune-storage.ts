import type { StoredBackupRecord } from '../report/report.ts';
import { messageOf } from '../system/errors.ts';
import { manifestName } from './manifest.ts';
import { type AgingBackup, decideRetention, type RetentionPolicy } from './retention.ts';
import { isProvedIn, mergePlaces, shownBackup } from './shown-backup.ts';
import { type BackupPlace, type ListedBackup, listBackups, type StoredBackups } from './stored-backups.ts';

/** A backup as one storage holds it. */
interface PlacedBackup extends AgingBackup {
  readonly listed: ListedBackup;
  readonly place: BackupPlace;
}

export interface PruneOptions {
  readonly policy: RetentionPolicy;
  readonly now: Date;
  /** Why a backup may still be needed by a run that is not finished; null when it is not. */
  readonly mayBeNeeded: (backup: AgingBackup) => string | null;
  /** Decides, and removes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly warn: (line: string) => void;
}

/**
 * Applies retention to the backups of a database. Every storage is looked at for itself: what another one holds is no
 * reason for a backup to go here. Returns all of them, newest first, with what was decided. What cannot be read is
 * told and stays; a removal that fails is told, and the others go on.
 */
export async function pruneStorages(
  storages: Parameters<typeof listBackups>[0],
  database: string,
  options: PruneOptions,
): Promise<readonly StoredBackupRecord[]> {
  const stored = await listBackups(storages, database, { signal: options.signal });
  tellOfTheRest(stored, options.warn);
  const records: StoredBackupRecord[] = [];
  for (const storage of storages) {
    const placed = stored.backups.flatMap((listed) =>
      listed.places.filter((place) => place.storage === storage).map((place) => aging(listed, place)),
    );
    for (const decision of decideRetention(placed, options.policy, options)) {
      const removed = !decision.stays && !options.dryRun && (await remove(decision.backup, options));
      const { backup, stays, reason } = decision;
      records.push(shownBackup(backup.listed, backup.place, { stays, removed, reason }));
    }
  }
  return mergePlaces(records);
}

function aging(listed: ListedBackup, place: BackupPlace): PlacedBackup {
  const { manifest } = listed;
  return {
    id: listed.id,
    createdAt: new Date(manifest.createdAt),
    madeBy: manifest.command,
    proved: isProvedIn(listed, place),
    listed,
    place,
  };
}

/** Manifest first: from then on it is no backup any more. Only what a run has written is named. */
async function remove({ listed, place }: PlacedBackup, { signal, warn }: PruneOptions): Promise<boolean> {
  try {
    await place.storage.remove(`${place.folder}/${manifestName}`, signal);
    await place.storage.remove(`${place.folder}/${listed.manifest.file.name}`, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    warn(`${place.url} could not be removed: ${messageOf(error)}`);
    return false;
  }
}

function tellOfTheRest(stored: StoredBackups, warn: (line: string) => void): void {
  for (const { storage, error } of stored.silent) {
    warn(`${storage.url} was not pruned, because it does not answer: ${messageOf(error)}`);
  }
  for (const { place, problem } of stored.unreadable) {
    warn(
      problem === null
        ? `${place.url} has no manifest: an upload that never came to its end, or that is under way`
        : `${place.url} is left as it is: ${problem}`,
    );
  }
}
