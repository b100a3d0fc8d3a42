import { type FileHandle, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ContentGate } from '../port/content-gate.ts';
import { storageMismatch } from '../port/mismatch.ts';
import { sha256OfFile } from '../port/sha256-of.ts';
import type { PutRequest } from '../port/storage.ts';
import { systemCode } from './file-errors.ts';
import { publish } from './publish.ts';
import { temporaryName } from './temporary-name.ts';

/**
 * Writes a body beside its place, makes it durable, reads it back, and only then gives it its name. On
 * rejection neither it nor a folder made for it is left.
 * @param root existing folder of the storage @param path place of the object below it
 */
export async function writeObject(
  root: string,
  path: string,
  url: string,
  request: PutRequest,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, temporaryName());
  let published = false;
  try {
    const handle = await createIn(root, folder, temporary);
    try {
      await fill(handle, url, request);
      // Reading back before the name is given: a file with the name is a file that was seen to be right.
      const expected = await request.expected;
      const held = await sha256OfFile(handle, request.signal);
      if (held.sizeBytes !== expected.sizeBytes || held.sha256 !== expected.sha256) {
        throw storageMismatch(url, expected, held);
      }
    } finally {
      await handle.close();
    }
    request.signal.throwIfAborted();
    await publish(temporary, path);
    published = true;
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    // A name whose folder could not be made durable is not a stored object.
    if (published) await rm(path, { force: true });
    await removeEmptyFolders(root, folder);
    throw error;
  }
}

async function fill(handle: FileHandle, url: string, request: PutRequest): Promise<void> {
  const gate = new ContentGate({ expected: request.expected, maximumBytes: Number.MAX_SAFE_INTEGER, url });
  let writtenBytes = 0;
  await pipeline(
    request.body,
    gate,
    async (content: AsyncIterable<Buffer>) => {
      for await (const chunk of content) {
        await handle.appendFile(chunk);
        writtenBytes += chunk.byteLength;
        request.onProgress?.(writtenBytes);
      }
    },
    { signal: request.signal },
  );
  await handle.sync();
}

/** Opens the temporary file, making the folders to it (0700) and their names durable. */
async function createIn(root: string, folder: string, temporary: string): Promise<FileHandle> {
  for (let attempt = 1; ; attempt += 1) {
    await makeFolders(root, folder);
    try {
      return await open(temporary, 'wx+', 0o600);
    } catch (error) {
      // Somebody who removed the last object of this folder removed the folder as well, just now.
      if (systemCode(error) !== 'ENOENT' || attempt === 5) throw error;
    }
  }
}

async function makeFolders(root: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made !== root && made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

/** Makes names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes folders below `root` that hold nothing, from `folder` upwards. */
export async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  const below = root.endsWith(sep) ? root : `${root}${sep}`;
  for (let empty = folder; empty.startsWith(below); empty = dirname(empty)) {
    try {
      await rmdir(empty);
    } catch (error) {
      // In use, or gone already: both are fine, and then nothing above it is empty because of us.
      if (systemCode(error) === 'ENOENT') continue;
      return;
    }
  }
}
