import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own that can be filled to its last byte. */
export interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
  /** Nothing can be written any more, from here on. */
  fill(): Promise<void>;
  /** A person has made room. */
  free(): Promise<void>;
}

/** Mounts a tmpfs, which needs root; at `at`, or at a temporary folder. */
export async function mountSmallDisk(megabytes: number, at?: string): Promise<SmallDisk> {
  const folder = at ?? (await mkdtemp(join(tmpdir(), 'safe-migrate-disk-')));
  await mkdir(folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', folder]);
  await chmod(folder, 0o777);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: async () => {
      const file = await open(filler, 'a');
      try {
        // Large pieces first, then single bytes: what is left of a page counts as well.
        for (const bytes of [1024 ** 2, 4096, 1]) {
          const piece = Buffer.alloc(bytes, 1);
          while (await fits(() => file.appendFile(piece)));
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler, { force: true }),
    async [Symbol.asyncDispose]() {
      // Lazily: who still has a file open there is on his way out.
      await run('umount', ['--lazy', folder]);
      if (at === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function fits(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}

/** Whether this user may mount anything. */
export async function canMount(): Promise<boolean> {
  return mountSmallDisk(1).then(
    async (disk) => {
      await disk[Symbol.asyncDispose]();
      return true;
    },
    () => false,
  );
}
