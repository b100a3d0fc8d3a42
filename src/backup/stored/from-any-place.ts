import { messageOf, type Problem, problemsOf, RefusedError, SafeMigrateError } from '../../system/errors.ts';
import type { BackupPlace, ListedBackup } from './stored-backups.ts';

/**
 * What `work` makes of the first place that holds what it should; the storages are tried in their order. Rejects with what is
 * wrong in every one of them.
 */
export async function fromAnyPlace<T>(
  { places }: Pick<ListedBackup, 'places'>,
  { signal, warn }: { readonly signal: AbortSignal; readonly warn: (line: string) => void },
  work: (place: BackupPlace) => Promise<T>,
): Promise<T> {
  const problems: Problem[] = [];
  for (const place of places) {
    try {
      return await work(place);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SafeMigrateError)) throw error;
      problems.push(...problemsOf(error));
      if (place !== places.at(-1)) warn(`${messageOf(error)}; the next storage is tried`);
    }
  }
  throw new RefusedError(problems, { phase: 'fetch', docs: 'storage.md' });
}
