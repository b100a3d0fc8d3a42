import { mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SafeMigrateError } from '../system/errors.ts';
import { shortened } from '../system/temporary-folder.ts';
import { makeFolder } from './make-folder.ts';

const namePrefix = 'safe-migrate-work-';

/** A run's private folder for the dump on its way: 0700, on the disk of RUNNER_TEMP, gone at the end. */
export class WorkFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** `mkdtemp` makes it 0700 and never takes one that is there already. Rejects with SM_RUNNER_TEMP. */
  static async create(temporaryDirectory: string): Promise<WorkFolder> {
    try {
      await makeFolder(temporaryDirectory);
      return new WorkFolder(await mkdtemp(join(temporaryDirectory, namePrefix)));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      throw new SafeMigrateError({
        code: 'SM_RUNNER_TEMP',
        message: `nothing can be written in ${shortened(temporaryDirectory)}, where the runner keeps temporary files (${code})`,
        hint: 'RUNNER_TEMP must be a folder that the user of this job may write in: look at its rights, its disk, and whether it is a folder at all.',
        cause: error,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeWorkFolder(this.path);
  }
}

/** Removes what `create` made and nothing else; it is no error when it is gone already. */
export async function removeWorkFolder(path: string): Promise<void> {
  if (!basename(path).startsWith(namePrefix)) throw new TypeError('not a work folder of safe-migrate');
  await rm(path, { recursive: true, force: true });
}
