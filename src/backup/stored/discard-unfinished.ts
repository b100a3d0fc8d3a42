import type { Storage } from '../../storage/port/storage.ts';
import { messageOf } from '../../system/errors.ts';
import { backupFolder } from '../making/backup-id.ts';
import { manifestName } from '../manifest/manifest.ts';

/** What is left of a dead run's backup in the storages. */
interface Discarded {
  /** Whether some storage holds the whole of it. */
  readonly isStored: boolean;
  /** What could not be cleared, in words. */
  readonly problems: readonly string[];
}

/**
 * Removes what a dead run has uploaded without having come to its manifest: objects, parts and temporary files. Where
 * there is a manifest, there is a backup, and it stays. Never rejects; a storage that does not answer hides no other.
 */
export async function discardUnfinished(
  storages: readonly Storage[],
  database: string,
  id: string,
  signal: AbortSignal,
): Promise<Discarded> {
  const folder = `${backupFolder(database, id)}/`;
  let isStored = false;
  const problems: string[] = [];
  await Promise.all(
    storages.map(async (storage) => {
      try {
        let doubt = null as string | null;
        const objects = await storage.list(folder, signal, (because) => {
          doubt = because;
        });
        const keys = objects.map(({ key }) => key);
        if (keys.includes(`${folder}${manifestName}`)) {
          isStored = true;
          return;
        }
        // A manifest that was not seen for it would leave a whole backup without its dump.
        if (doubt !== null) throw new Error(doubt);
        await storage.abandon(folder, signal);
        for (const key of keys) await storage.remove(key, signal);
      } catch (error) {
        problems.push(`${storage.url}: ${messageOf(error)}`);
      }
    }),
  );
  return { isStored, problems };
}
