import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing. One after the other: Node's own way tries for ever below /proc, where
 * a folder that is there takes none and says that there is no such folder.
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found?.isDirectory()) return;
  const parent = dirname(path);
  if (found === null && parent !== path) await makeFolder(parent);
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    // Somebody else may have made it meanwhile.
    if (error.code !== 'EEXIST' || found !== null) throw error;
  });
}
