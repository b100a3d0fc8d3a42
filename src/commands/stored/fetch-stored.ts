import type { Keys } from '../../backup/encryption/encryption.ts';
import { type FetchedBackup, fetchBackup } from '../../backup/stored/fetch-backup.ts';
import type { OpenedBackup } from '../../backup/stored/open-backup.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { CommandContext } from '../shared/context.ts';

/** Phase fetch: the stored backup on this machine, and nothing of it unverified. */
export function fetchStored(
  context: CommandContext,
  backup: OpenedBackup,
  keys: Keys,
): Promise<FetchedBackup> {
  return context.log.phase('fetch', async (log) => {
    let progress: string | undefined;
    log.progress(() => progress);
    const fetched = await fetchBackup(backup, keys, {
      folder: context.workFolder,
      signal: context.signal,
      warn: (line) => log.warn(line),
      onProgress: (what, sizeBytes) => {
        progress = `${what} ${formatBytes(sizeBytes)}`;
      },
    });
    const authenticity = backup.authenticated
      ? 'authenticated by the passphrase'
      : "not authenticated: that it is the backup that was made rests on the storage's permissions";
    const fact = `${formatBytes(backup.listed.manifest.file.sizeBytes)} from ${fetched.from.url}, length and SHA-256 as in the manifest; ${authenticity}`;
    return { fact, value: fetched };
  });
}
