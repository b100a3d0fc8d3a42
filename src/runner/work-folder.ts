import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

const namePrefix = 'safe-migrate-work-';

/** A run's private folder for the dump on its way: 0700, on the disk of RUNNER_TEMP, gone at the end. */
export class WorkFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** `mkdtemp` makes it 0700 and never takes one that is there already. */
  static async create(temporaryDirectory: string): Promise<WorkFolder> {
    await mkdir(temporaryDirectory, { recursive: true });
    return new WorkFolder(await mkdtemp(join(temporaryDirectory, namePrefix)));
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
