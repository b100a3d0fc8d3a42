import { constants } from 'node:fs';
import { open, readdir, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { BackupLocation } from '../../report/report.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { objectKey } from '../port/object-key.ts';
import { stoppedBy } from '../port/stopped.ts';
import type { PutRequest, Storage, StoredObject } from '../port/storage.ts';
import type { FileLocation } from '../port/storage-url.ts';
import { fileNotFound, fileStorageError, systemCode } from './file-errors.ts';
import { publish } from './publish.ts';
import { isAbandoned, isTemporaryName, temporaryName } from './temporary-name.ts';
import { removeEmptyFolders, syncFolder, writeObject } from './write-object.ts';

/** How often a listing is begun during which something went away. */
const listingAttempts = 4;

/**
 * Backups in a folder of this machine or of one that is mounted. The folder itself must exist: making it
 * would hide that a disk is not mounted.
 */
export function fileStorage(location: FileLocation): Storage {
  return new FileStorage(location.directory);
}

class FileStorage implements Storage {
  readonly kind = 'file';
  readonly url: string;
  readonly #root: string;

  constructor(directory: string) {
    this.#root = directory;
    this.url = pathToFileURL(directory).href.replace(/\/$/, '');
  }

  async check(signal: AbortSignal): Promise<readonly string[]> {
    await this.#requireRoot();
    return this.#during(signal, 'write in', this.#root, async () => {
      const probe = join(this.#root, temporaryName());
      const published = `${probe}-check`;
      try {
        const handle = await open(probe, 'wx', 0o600);
        await handle.sync().finally(() => handle.close());
        await publish(probe, published);
      } finally {
        await rm(probe, { force: true });
        await rm(published, { force: true });
      }
      const removed = await this.#removeAbandoned();
      return removed === 0 ? [] : [`${this.url}: removed ${removed} unfinished file(s) of a run that died`];
    });
  }

  async put(request: PutRequest): Promise<BackupLocation> {
    try {
      const path = this.#pathOf(request.key);
      const url = this.#urlOf(path);
      await this.#requireRoot();
      await this.#during(request.signal, 'write', path, () => writeObject(this.#root, path, url, request));
      return { storage: 'file', url, verified: 'read back from disk, length and SHA-256 equal' };
    } finally {
      // A body that was not read to its end must not keep what it reads from open.
      request.body.destroy();
    }
  }

  async get(key: string, signal: AbortSignal): Promise<Readable> {
    const path = this.#pathOf(key);
    return this.#during(signal, 'read', path, async () => {
      try {
        const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
        if (!(await handle.stat()).isFile()) {
          await handle.close();
          throw fileNotFound(path);
        }
        return addAbortSignal(signal, handle.createReadStream());
      } catch (error) {
        throw isMissing(error) ? fileNotFound(path, error) : error;
      }
    });
  }

  async list(
    prefix: string,
    signal: AbortSignal,
    onDoubt: (because: string) => void = () => {},
  ): Promise<readonly StoredObject[]> {
    await this.#requireRoot();
    return this.#during(signal, 'list', this.#root, async () => {
      for (let attempt = 1; ; attempt += 1) {
        let isSteady = true;
        const found = await this.#listOnce(prefix, signal, () => {
          isSteady = false;
        });
        if (isSteady) return found;
        if (attempt < listingAttempts) continue;
        onDoubt('files came or went every time that they were listed');
        return found;
      }
    });
  }

  async #listOnce(prefix: string, signal: AbortSignal, onGone: () => void): Promise<readonly StoredObject[]> {
    const found: StoredObject[] = [];
    for (const { path, key } of await this.#files(signal, onGone)) {
      if (!key.startsWith(prefix) || isTemporaryName(path.slice(path.lastIndexOf(sep) + 1))) continue;
      const facts = await statOrNull(path);
      if (facts === null) onGone();
      else found.push({ key, sizeBytes: facts.size, modifiedAt: facts.mtime.toISOString() });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async abandon(prefix: string, signal: AbortSignal): Promise<void> {
    await this.#requireRoot();
    await this.#during(signal, 'remove', this.#root, async () => {
      for (const { path, key } of await this.#files(signal)) {
        if (!key.startsWith(prefix) || !isTemporaryName(path.slice(path.lastIndexOf(sep) + 1))) continue;
        await rm(path, { force: true });
        await removeEmptyFolders(this.#root, dirname(path));
      }
    });
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    const path = this.#pathOf(key);
    await this.#during(signal, 'remove', path, async () => {
      const folder = dirname(path);
      try {
        await unlink(path);
        await syncFolder(folder);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      await removeEmptyFolders(this.#root, folder);
    });
  }

  async #removeAbandoned(): Promise<number> {
    let removed = 0;
    for (const { path } of await this.#files()) {
      const facts = await statOrNull(path);
      if (facts === null || !isAbandoned(path.slice(path.lastIndexOf(sep) + 1), facts.mtime)) continue;
      await rm(path, { force: true });
      await removeEmptyFolders(this.#root, dirname(path));
      removed += 1;
    }
    return removed;
  }

  /** All files below the root; links are not followed, so nothing outside of it is ever listed. */
  async #files(
    signal?: AbortSignal,
    onGone: () => void = () => {},
  ): Promise<{ readonly path: string; readonly key: string }[]> {
    const files: { path: string; key: string }[] = [];
    const folders = [''];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      signal?.throwIfAborted();
      const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch(
        (error: unknown) => {
          // Removed by somebody else since it was listed.
          if (folder !== '' && isMissing(error)) {
            onGone();
            return [];
          }
          throw error;
        },
      );
      for (const entry of entries) {
        const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory()) folders.push(key);
        else if (entry.isFile()) files.push({ path: join(this.#root, key), key });
      }
    }
    return files;
  }

  #pathOf(key: string): string {
    const path = join(this.#root, objectKey('', key));
    if (!isTemporaryName(path.slice(path.lastIndexOf(sep) + 1))) return path;
    throw new SafeMigrateError({
      code: 'SM_STORAGE_KEY',
      message: `${JSON.stringify(key)} is the name of an unfinished file`,
      hint: 'Names that end in .partial and start with .safe-migrate- are kept for files that are being written.',
      docs: 'storage.md',
    });
  }

  #urlOf(path: string): string {
    return pathToFileURL(path).href;
  }

  async #requireRoot(): Promise<void> {
    const facts = await statOrNull(this.#root);
    if (facts?.isDirectory()) return;
    throw new SafeMigrateError({
      code: 'SM_STORAGE_MISSING',
      message: `the folder ${this.#root} of ${this.url} does not exist`,
      hint: `Mount its disk, or create it: install -d -m 0700 '${this.#root.replaceAll("'", `'\\''`)}'`,
      docs: 'storage.md',
    });
  }

  async #during<T>(signal: AbortSignal, action: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted) throw stoppedBy(signal, this.#urlOf(path));
      throw fileStorageError(error, action, path);
    }
  }
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw fileStorageError(error, 'look at', path);
  }
}

/** Not there: no such name, or a part of the path is no folder or is a link. */
function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '');
}
