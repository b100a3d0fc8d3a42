import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BackupDetails,
  detailsName,
  detailsSchema,
  renderDetails,
} from '../../backup/manifest/details.ts';
import { diskError } from '../../system/disk-error.ts';

/**
 * Leaves the details of a backup beside its dump, for whoever finishes this run after a crash: where the backup is
 * encrypted to recipients, nobody here can read the stored ones.
 */
export async function writeDetails(folder: string, details: BackupDetails): Promise<void> {
  const path = join(folder, detailsName);
  try {
    await writeFile(path, renderDetails(details), { mode: 0o600 });
  } catch (error) {
    throw diskError(error, path, 0);
  }
}

/** null when they are not there, or not those of this backup. */
export async function readDetailsIn(folder: string, backupId: string | null): Promise<BackupDetails | null> {
  try {
    const details = detailsSchema.parse(JSON.parse(await readFile(join(folder, detailsName), 'utf8')));
    return details.id === backupId ? details : null;
  } catch {
    // Gone with the folder.
    return null;
  }
}
