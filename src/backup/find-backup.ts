import type { Storage } from '../storage/storage.ts';
import { messageOf, SafeMigrateError } from '../system/errors.ts';
import { type ListedBackup, listBackups, type StoredBackups } from './stored-backups.ts';

/** The backup that was asked for, and what should be known about how it was found. */
export interface FoundBackup {
  readonly backup: ListedBackup;
  /** All that were looked at to find it, newest first: every one of the database for `latest` or `listAll`. */
  readonly listed: readonly ListedBackup[];
  /** For people: storages that did not answer, newer folders that cannot be read. */
  readonly warnings: readonly string[];
}

/**
 * Finds a stored backup: `latest`, the newest one of all storages that answer, proved or not, or the one with
 * this id. Rejects with SM_BACKUP_NOT_FOUND, SM_BACKUP_UNREADABLE (it is there and its manifest is no good) or
 * SM_BACKUP_AMBIGUOUS (storages hold different ones under its id).
 */
export async function findBackup(
  storages: readonly Storage[],
  database: string,
  wanted: string,
  signal: AbortSignal,
  options: { readonly listAll?: boolean } = {},
): Promise<FoundBackup> {
  const where = storages.map(({ url }) => url).join(', ');
  // Anything else is no id, and would be looked for in another folder.
  if (!/^[A-Za-z0-9_.-]+$/.test(wanted)) throw notFound(wanted, database, where, []);
  const everything = await listBackups(storages, database, {
    signal,
    ...(wanted === 'latest' || options.listAll === true ? {} : { id: wanted }),
  });
  const listed = everything.backups;
  const stored = wanted === 'latest' ? everything : onlyOf(everything, wanted);
  const silence = stored.silent.map(
    ({ storage, error }) => `${storage.url} does not say which backups it holds: ${messageOf(error)}`,
  );
  const [backup, other] = stored.backups;
  if (wanted === 'latest') {
    if (backup === undefined) throw notFound(wanted, database, where, [...silence, ...unreadableIn(stored)]);
    // Ids begin with their time.
    const newer = stored.unreadable.filter(({ id, problem }) => id > backup.id && problem !== null);
    return { backup, listed, warnings: [...silence, ...unreadableIn({ unreadable: newer })] };
  }
  if (backup === undefined) {
    const [problem] = unreadableIn(stored);
    if (problem === undefined) throw notFound(wanted, database, where, silence);
    throw new SafeMigrateError({
      code: 'SM_BACKUP_UNREADABLE',
      message: problem,
      hint: 'Take another backup; `command: prune` with `dry-run: true` lists them.',
      docs: 'storage.md',
    });
  }
  if (other !== undefined) {
    throw new SafeMigrateError({
      code: 'SM_BACKUP_AMBIGUOUS',
      message: `${wanted} is not the same backup everywhere: the manifests of ${backup.places[0].url} and ${other.places[0].url} differ`,
      hint: 'Name only the storage that you trust in `storage`, and find out who changed the other one.',
      docs: 'storage.md',
    });
  }
  return { backup, listed, warnings: [...silence, ...unreadableIn(stored)] };
}

function onlyOf({ backups, unreadable, silent }: StoredBackups, wanted: string): StoredBackups {
  return {
    backups: backups.filter(({ id }) => id === wanted),
    unreadable: unreadable.filter(({ id }) => id === wanted),
    silent,
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
