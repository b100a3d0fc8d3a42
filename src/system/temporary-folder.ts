import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SafeMigrateError } from './errors.ts';

/** Makes a private folder where the machine keeps temporary files. Rejects with SM_TMPDIR. */
export async function makeTemporaryFolder(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    throw unusableTmpdir(error);
  }
}

export function unusableTmpdir(cause: unknown): SafeMigrateError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  return new SafeMigrateError({
    code: 'SM_TMPDIR',
    message: `nothing can be written in ${shortened(tmpdir())}, where this machine keeps temporary files (${code})`,
    hint: 'Let TMPDIR name a folder that this user may write in, with a path of less than 80 characters, or leave it unset (then it is /tmp).',
    cause,
  });
}

/** A path as a message shows it. */
export function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
