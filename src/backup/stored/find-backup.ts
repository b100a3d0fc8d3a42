import type { Storage } from '../../storage/port/storage.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { isFromElsewhere, originText } from './origin.ts';
import { type ListedBackup, listBackups, type StoredBackups } from './stored-backups.ts';

/** The backup that was asked for, and what should be known about how it was found. */
interface FoundBackup {
  readonly backup: ListedBackup;
  /** All that were looked at to find it, newest first: every one of the database for `latest` or `listAll`. */
  readonly listed: readonly ListedBackup[];
  /** For people: storages that did not answer, newer folders that cannot be read, another server. */
  readonly warnings: readonly string[];
  /** Why the newest that was found may not be the newest that there is; empty for one asked for by its id. */
  readonly doubts: readonly string[];
}

interface FindOptions {
  /** Lists all of the database, also to find one of them by its id. */
  readonly listAll?: boolean;
  /** Of the server that is to be rolled back; null: unknown. */
  readonly systemIdentifier?: string | null;
}

/**
 * Finds a stored backup: `latest`, the newest one that this server made, in all storages that answer, proved or not; or the
 * one with this id, wherever it was made. Rejects with SM_BACKUP_NOT_FOUND, SM_BACKUP_UNREADABLE (it is there and its
 * manifest is no good) or SM_BACKUP_AMBIGUOUS (storages hold different ones under its id).
 */
export async function findBackup(
  storages: readonly Storage[],
  database: string,
  wanted: string,
  signal: AbortSignal,
  options: FindOptions = {},
): Promise<FoundBackup> {
  const where = storages.map(({ url }) => url).join(', ');
  // Anything else is no id, and would be looked for in another folder.
  if (!/^[A-Za-z0-9_.-]+$/.test(wanted)) throw notFound(wanted, database, where, []);
  const stored = await listBackups(storages, database, {
    signal,
    ...(wanted === 'latest' || options.listAll === true ? {} : { id: wanted }),
  });
  const silence = [
    ...stored.silent.map(
      ({ storage, error }) => `${storage.url} does not say which backups it holds: ${messageOf(error)}`,
    ),
    ...stored.doubts,
  ];
  const here = options.systemIdentifier ?? null;
  const none: NotFound = (reasons) => notFound(wanted, database, where, [...silence, ...reasons]);
  const { backup, warnings, notices } =
    wanted === 'latest' ? latestOf(stored, here, none) : byId(onlyOf(stored, wanted), none);
  const other = stored.backups.find((each) => each !== backup && each.id === backup.id);
  if (other !== undefined) throw ambiguous(backup, other);
  const elsewhere = isFromElsewhere(backup.manifest, here)
    ? [`${backup.id} was made on another server, ${originText(backup.manifest)}`]
    : [];
  return {
    backup,
    listed: stored.backups,
    warnings: [...silence, ...warnings, ...notices, ...elsewhere],
    doubts: wanted === 'latest' ? [...silence, ...warnings] : [],
  };
}

interface Chosen {
  readonly backup: ListedBackup;
  /** What casts doubt on the choice. */
  readonly warnings: readonly string[];
  /** What should be known all the same. */
  readonly notices: readonly string[];
}

type NotFound = (reasons: readonly string[]) => SafeMigrateError;

function latestOf(stored: StoredBackups, here: string | null, none: NotFound): Chosen {
  const own = stored.backups.filter(({ manifest }) => !isFromElsewhere(manifest, here));
  const [backup] = own;
  if (backup === undefined) {
    const foreign = stored.backups.map(
      ({ id, manifest }) =>
        `${id} was made on another server, ${originText(manifest)}: give its id to use it`,
    );
    throw none([...foreign.slice(0, 3), ...unreadableIn(stored)]);
  }
  // Ids begin with their time. What has expired is gone as it should be.
  const newer = stored.unreadable.filter(({ id, isExpired }) => id > backup.id && !isExpired);
  const unfinished = newer.filter(({ problem }) => problem === null);
  return {
    backup,
    warnings: unreadableIn({ unreadable: newer.filter(({ problem }) => problem !== null) }),
    // An upload without a manifest is no backup, or none any more.
    notices: unfinished.map(
      ({ place }) =>
        `${place.url} is newer and has no manifest: an upload that never came to its end, or that is under way, or somebody has removed its manifest`,
    ),
  };
}

function byId(stored: StoredBackups, none: NotFound): Chosen {
  const [backup] = stored.backups;
  if (backup !== undefined) return { backup, warnings: unreadableIn(stored), notices: [] };
  const [problem] = unreadableIn(stored);
  if (problem === undefined) throw none([]);
  throw new SafeMigrateError({
    code: 'SM_BACKUP_UNREADABLE',
    message: problem,
    hint: 'Take another backup; `command: prune` with `dry-run: true` lists them.',
    docs: 'storage.md',
  });
}

function ambiguous(one: ListedBackup, other: ListedBackup): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_BACKUP_AMBIGUOUS',
    message: `${one.id} is not the same backup everywhere: the manifests of ${one.places[0].url} and ${other.places[0].url} differ`,
    hint: 'Name only the storage that you trust in `storage`, and find out who changed the other one.',
    docs: 'storage.md',
  });
}

function onlyOf({ backups, unreadable, ...rest }: StoredBackups, wanted: string): StoredBackups {
  return {
    backups: backups.filter(({ id }) => id === wanted),
    unreadable: unreadable.filter(({ id }) => id === wanted),
    ...rest,
  };
}

function unreadableIn({ unreadable }: Pick<StoredBackups, 'unreadable'>): readonly string[] {
  return unreadable.map(({ place, problem }) => `${place.url}: ${problem ?? 'it has no manifest'}`);
}

function notFound(
  wanted: string,
  database: string,
  where: string,
  reasons: readonly string[],
): SafeMigrateError {
  const what = wanted === 'latest' ? 'no backup' : `no backup ${JSON.stringify(wanted)}`;
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  return new SafeMigrateError({
    code: 'SM_BACKUP_NOT_FOUND',
    message: `there is ${what} of ${database} in ${where}${why}`,
    hint: '`command: prune` with `dry-run: true` lists the backups of a storage. Folders are named after the database.',
    docs: 'storage.md',
  });
}
