import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { SafeMigrateError } from './errors.ts';

/** GitHub takes no larger file into a repository. */
const maximumBytes = 100 * 1024 ** 2;

/**
 * The files of a repository that is not trusted: whoever opens a pull request writes them, and what stands in them is
 * published. So only regular files are read whose real place is inside, and folders: no link to the runner's own files, to
 * another process, to a device without end or a pipe that nobody fills. What git keeps of its own (credentials among it)
 * is not inside either.
 *
 * Reading waits for nobody: a file is never opened before it is seen to be one, and never through a link.
 */
export class Checkout {
  readonly #roots: readonly string[];

  /**
   * @param roots folders whose files may be read; @param named what the workflow itself names (a schema, a config): where
   * that lies elsewhere by its own path, its folder counts as well
   */
  constructor(roots: readonly string[], named: readonly (string | null)[] = []) {
    const outside = named.filter((path) => path !== null && !roots.some((root) => isWithin(root, path)));
    const folders = outside.flatMap((path) => (path === null ? [] : [isFolder(path) ? path : dirname(path)]));
    this.#roots = [...roots, ...folders].map(realPath);
  }

  /** The text of a file. Rejects with SM_CHECKOUT_FILE, and with the system's error (ENOENT) where there is none. */
  readText(path: string): string {
    return this.readBytes(path).toString('utf8');
  }

  /** The same, as it lies on the disk. */
  readBytes(path: string): Buffer {
    return readRegularFile(this.#inside(path), path);
  }

  /** What lies in a folder; the same errors. */
  list(path: string): readonly Dirent[] {
    return readdirSync(this.#inside(path), { withFileTypes: true });
  }

  /** Makes sure that a file can be read, if it is there, without reading it. Throws SM_CHECKOUT_FILE. */
  refuseUnlessFile(path: string): void {
    try {
      expectFile(lstatSync(this.#inside(path)), path);
    } catch (error) {
      if (error instanceof SafeMigrateError) throw error;
      // Not there, or not to be read: whoever needs it says so.
    }
  }

  #inside(path: string): string {
    const real = realpathSync.native(path);
    const isInside = this.#roots.some((root) => isWithin(root, real) && !isOfGit(root, real));
    if (isInside) return real;
    throw refused(
      `${path} leads out of the repository`,
      'Commit the file itself instead of a link to it. What a checkout links to elsewhere is not read.',
    );
  }
}

/**
 * The text of a file of an installed package, which may lie anywhere (package managers link to stores of their own): a
 * regular file, of a bounded size. The same errors.
 */
export function readInstalledText(path: string): string {
  return readRegularFile(realpathSync.native(path), path).toString('utf8');
}

/** @param real without a link in it @param shown as messages name it */
function readRegularFile(real: string, shown: string): Buffer {
  // Opening a device can do things, so it is looked at before, and once more when it is open.
  expectFile(lstatSync(real), shown);
  const descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(descriptor);
    expectFile(facts, shown);
    // One that grows while it is read, or says nothing of its size, ends at the bound as well.
    const chunks: Buffer[] = [];
    for (let sizeBytes = 0; ; ) {
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(facts.size, 4096), 1024 ** 2));
      const bytesRead = readSync(descriptor, chunk, 0, chunk.length, sizeBytes);
      if (bytesRead === 0) return Buffer.concat(chunks);
      sizeBytes += bytesRead;
      if (sizeBytes > maximumBytes) throw tooLarge(shown);
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } finally {
    closeSync(descriptor);
  }
}

function expectFile(facts: { isFile(): boolean; readonly size: number }, shown: string): void {
  if (!facts.isFile()) {
    throw refused(
      `${shown} is no file that could be read: a folder, a pipe or a device`,
      'Commit a file in its place.',
    );
  }
  if (facts.size > maximumBytes) throw tooLarge(shown);
}

function tooLarge(shown: string): SafeMigrateError {
  return refused(
    `${shown} is larger than ${maximumBytes / 1024 ** 2} MiB, more than GitHub takes into a repository`,
    'Load data in such amounts by a job of its own, and keep the migration small.',
  );
}

function refused(message: string, hint: string): SafeMigrateError {
  return new SafeMigrateError({ code: 'SM_CHECKOUT_FILE', message, hint, docs: 'security.md' });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return resolve(path);
  }
}

function isWithin(root: string, path: string): boolean {
  const from = relative(root, path);
  return from === '' || (from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from));
}

function isOfGit(root: string, path: string): boolean {
  return relative(root, path).split(sep).includes('.git');
}
