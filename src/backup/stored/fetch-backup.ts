import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ExpectedContent, StoredObject } from '../../storage/port/storage.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { atMost } from '../encryption/at-most.ts';
import { damaged } from '../encryption/damaged.ts';
import type { Keys } from '../encryption/encryption.ts';
import { GrowingFile } from '../making/growing-file.ts';
import { dumpName } from '../manifest/manifest.ts';
import { BrokenOff, beginAnew } from './begin-anew.ts';
import { fromAnyPlace } from './from-any-place.ts';
import type { OpenedBackup } from './open-backup.ts';
import type { BackupPlace, ListedBackup } from './stored-backups.ts';
import { unseal } from './unseal.ts';

/** The dump of a stored backup on this machine, found to be what its manifest says. Disposing of it removes the dump. */
export interface FetchedBackup extends AsyncDisposable {
  readonly dumpPath: string;
  readonly from: BackupPlace;
}

/**
 * Fetches the dump of an opened backup into `folder` (0700): stored file of the length and SHA-256 that its manifest says,
 * decrypted, plain dump of the length and SHA-256 that it says. Only then is there anything that pg_restore may read.
 * No more than these lengths is ever written. On rejection nothing is left on this machine.
 */
export async function fetchBackup(
  { listed }: OpenedBackup,
  keys: Keys,
  options: Options,
): Promise<FetchedBackup> {
  await using stack = new AsyncDisposableStack();
  const { stored, from } = await fromAnyPlace(listed, options, async (place) => ({
    stored: await download(listed, place, options),
    from: place,
  }));
  stack.use(stored);
  const what = `what ${listed.manifest.file.name} in ${from.url} holds`;
  const dump = await plainDump(listed, { stored, what }, keys, options);
  stack.use(dump);
  expectContent(dump === stored ? from.url : what, listed.manifest.plain, await dump.content);
  const files = stack.move();
  return { dumpPath: dump.path, from, [Symbol.asyncDispose]: () => files.disposeAsync() };
}

/** The stored file itself, or what it holds when it is sealed. */
async function plainDump(
  { id, manifest }: ListedBackup,
  { stored, what }: { readonly stored: GrowingFile; readonly what: string },
  keys: Keys,
  { folder, signal, onProgress }: Options,
): Promise<GrowingFile> {
  if (manifest.file.name === dumpName) return stored;
  const opened = await GrowingFile.create(join(folder, dumpName));
  const report = setInterval(() => onProgress('decrypted', opened.sizeBytes), 1000);
  const { sizeBytes } = manifest.plain;
  try {
    const sealed = createReadStream(stored.path, { signal });
    const limit = atMost(sizeBytes, () => longer(what, sizeBytes));
    await unseal({ id, sealed }, keys, opened.writer, signal, limit);
    return opened;
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  } finally {
    clearInterval(report);
  }
}

interface Options {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly warn: (line: string) => void;
  readonly onProgress: (what: string, sizeBytes: number) => void;
}

async function download(
  { manifest }: ListedBackup,
  from: BackupPlace,
  options: Options,
): Promise<GrowingFile> {
  const { name } = manifest.file;
  const object = from.objects.find(({ key }) => key === `${from.folder}/${name}`);
  if (object === undefined) throw damaged(`${from.url} has a manifest, but ${name} is not there`);
  const what = `${name} in ${from.url}`;
  try {
    return await beginAnew(what, options, () => downloadOnce(manifest, object, from, options));
  } catch (error) {
    if (error instanceof SafeMigrateError || options.signal.aborted) throw error;
    if (error instanceof BrokenOff) throw damaged(error.message, error);
    throw damaged(`${what} cannot be read to its end: ${messageOf(error)}`, error);
  }
}

async function downloadOnce(
  manifest: ListedBackup['manifest'],
  object: StoredObject,
  from: BackupPlace,
  { folder, signal, onProgress }: Options,
): Promise<GrowingFile> {
  const { name, sizeBytes } = manifest.file;
  const stored = await GrowingFile.create(join(folder, name));
  const report = setInterval(() => onProgress('fetched', stored.sizeBytes), 1000);
  const what = `${name} in ${from.url}`;
  const limit = atMost(sizeBytes, () => longer(what, sizeBytes));
  try {
    await pipeline(await from.storage.get(object.key, signal), limit, stored.writer, { signal });
    const content = await stored.content;
    if (content.sizeBytes < sizeBytes && object.sizeBytes === sizeBytes)
      throw new BrokenOff(`${what} has ${content.sizeBytes} bytes; its manifest says ${sizeBytes}`);
    expectContent(what, manifest.file, content);
    return stored;
  } catch (error) {
    await stored[Symbol.asyncDispose]();
    throw error;
  } finally {
    clearInterval(report);
  }
}

function expectContent(what: string, expected: ExpectedContent, actual: ExpectedContent): void {
  if (actual.sizeBytes !== expected.sizeBytes) {
    throw damaged(`${what} has ${actual.sizeBytes} bytes; its manifest says ${expected.sizeBytes}`);
  }
  if (actual.sha256 !== expected.sha256) {
    throw damaged(`${what} has not the SHA-256 that its manifest says: it was changed after it was stored`);
  }
}

function longer(what: string, sizeBytes: number): SafeMigrateError {
  return damaged(`${what} has more than the ${sizeBytes} bytes that its manifest says`);
}
