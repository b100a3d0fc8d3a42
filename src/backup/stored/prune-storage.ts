import { countOf } from '../../report/quantity.ts';
import type { StoredBackupRecord } from '../../report/report.ts';
import { messageOf } from '../../system/errors.ts';
import { manifestName } from '../manifest/manifest.ts';
import { isFromElsewhere, originText } from './origin.ts';
import { type AgingBackup, decideRetention, type RetentionPolicy } from './retention.ts';
import { isProvedIn, mergePlaces, shownBackup } from './shown-backup.ts';
import { type BackupPlace, type ListedBackup, listBackups, type StoredBackups } from './stored-backups.ts';

/** A backup as one storage holds it. */
interface PlacedBackup extends AgingBackup {
  readonly listed: ListedBackup;
  readonly place: BackupPlace;
}

interface PruneOptions {
  readonly policy: RetentionPolicy;
  readonly now: Date;
  /** Of the server whose backups these are to be; those of another one are not ours to remove. */
  readonly systemIdentifier: string | null;
  /** Why a backup may still be needed by a run that is not finished; null when it is not. */
  readonly mayBeNeeded: (backup: AgingBackup) => string | null;
  /** Decides, and removes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly warn: (line: string) => void;
  /** For what is as it should be. */
  readonly note: (line: string) => void;
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
  tellOfTheRest(stored, options);
  const records: StoredBackupRecord[] = [];
  for (const storage of storages) {
    const placed = stored.backups.flatMap((listed) =>
      listed.places.filter((place) => place.storage === storage).map((place) => aging(listed, place)),
    );
    const isElsewhere = ({ listed }: PlacedBackup) =>
      isFromElsewhere(listed.manifest, options.systemIdentifier);
    // Neither counted nor removed: what their own server still needs cannot be asked here.
    for (const { listed, place } of placed.filter(isElsewhere)) {
      const reason = `made on another server, ${originText(listed.manifest)}`;
      records.push(shownBackup(listed, place, { stays: true, removed: false, reason }));
    }
    const own = placed.filter((backup) => !isElsewhere(backup));
    for (const decision of decideRetention(own, options.policy, options)) {
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
  const { file, details } = listed.manifest;
  const names = [manifestName, ...(details === null ? [] : [details.name]), file.name];
  try {
    for (const name of names) await place.storage.remove(`${place.folder}/${name}`, signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    warn(`${place.url} could not be removed: ${messageOf(error)}`);
    return false;
  }
}

function tellOfTheRest(stored: StoredBackups, { warn, note }: Pick<PruneOptions, 'warn' | 'note'>): void {
  for (const { storage, error } of stored.silent) {
    warn(`${storage.url} was not pruned, because it does not answer: ${messageOf(error)}`);
  }
  for (const doubt of stored.doubts) warn(doubt);
  const expired = stored.unreadable.filter(({ isExpired }) => isExpired);
  if (expired.length > 0) note(`${countOf(expired.length, 'backup')} had expired already`);
  for (const { place, problem, isExpired } of stored.unreadable) {
    if (isExpired) continue;
    warn(
      problem === null
        ? `${place.url} has no manifest: an upload that never came to its end, or that is under way`
        : `${place.url} is left as it is: ${problem}`,
    );
  }
}
