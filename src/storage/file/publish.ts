import { link, open, rename, rm, unlink } from 'node:fs/promises';
import { fileExists, systemCode } from './file-errors.ts';

/** Where hard links do not exist (FAT, some network file systems). */
const withoutLinks: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EMLINK',
]);

/**
 * Gives a finished file its name, never replacing another one. `rename()` would replace it silently; `link()`
 * refuses, atomically. Without links, the name is taken by an empty file first, which O_EXCL lets only one do.
 */
export async function publish(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') throw fileExists(path, error);
    if (!withoutLinks.has(code)) throw error;
    await publishByReservation(temporary, path);
    return;
  }
  await unlink(temporary);
}

/** Exported for the test: file systems without links are seldom at hand. */
export async function publishByReservation(temporary: string, path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    throw systemCode(error) === 'EEXIST' ? fileExists(path, error) : error;
  }
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
