import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ExpectedContent } from '../storage/storage.ts';
import { messageOf, type Problem, problemsOf, RefusedError, SafeMigrateError } from '../system/errors.ts';
import { authenticate } from './authenticate.ts';
import type { Keys } from './encryption.ts';
import { GrowingFile } from './growing-file.ts';
import { dumpName } from './manifest.ts';
import { unpackSchemaText } from './schema-text-field.ts';
import type { BackupPlace, ListedBackup } from './stored-backups.ts';
import { unseal } from './unseal.ts';

/** A stored backup on this machine, found to be what its manifest says. Disposing of it removes the dump. */
export interface FetchedBackup extends AsyncDisposable {
  readonly dumpPath: string;
  readonly schemaText: string;
  /** Whether the passphrase says that nobody has exchanged it. */
  readonly authenticated: boolean;
  readonly from: BackupPlace;
}

/**
 * Fetches a backup into `folder` (0700): manifest authenticated, stored file of the length and SHA-256 that it says,
 * decrypted, plain dump of the length and SHA-256 that it says. Only then is there anything that pg_restore may read.
 * The storages are tried in their order. On rejection nothing is left on this machine.
 */
export async function fetchBackup(
  backup: ListedBackup,
  keys: Keys,
  options: {
    readonly folder: string;
    readonly signal: AbortSignal;
    readonly warn: (line: string) => void;
    readonly onProgress: (what: string, sizeBytes: number) => void;
  },
): Promise<FetchedBackup> {
  const authenticated = await authenticate(backup, keys);
  const schemaText = schemaTextOf(backup);
  await using stack = new AsyncDisposableStack();
  const { stored, from } = await downloadFromAny(backup, options);
  stack.use(stored);
  const dump = await plainDump(backup, stored, keys, options);
  stack.use(dump);
  const what = dump === stored ? from.url : `what ${backup.manifest.file.name} in ${from.url} holds`;
  expectContent(what, backup.manifest.plain, await dump.content);
  const files = stack.move();
  return {
    dumpPath: dump.path,
    schemaText,
    authenticated,
    from,
    [Symbol.asyncDispose]: () => files.disposeAsync(),
  };
}

/** The stored file itself, or what it holds when it is sealed. */
async function plainDump(
  { id, manifest }: ListedBackup,
  stored: GrowingFile,
  keys: Keys,
  { folder, signal, onProgress }: Options,
): Promise<GrowingFile> {
  if (manifest.file.name === dumpName) return stored;
  const opened = await GrowingFile.create(join(folder, dumpName));
  const report = setInterval(() => onProgress('decrypted', opened.sizeBytes), 1000);
  try {
    await unseal({ id, path: stored.path }, keys, opened.writer, signal);
    return opened;
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  } finally {
    clearInterval(report);
  }
}

type Options = Parameters<typeof fetchBackup>[2];

async function downloadFromAny(
  backup: ListedBackup,
  options: Options,
): Promise<{ readonly stored: GrowingFile; readonly from: BackupPlace }> {
  const problems: Problem[] = [];
  for (const from of backup.places) {
    try {
      return { stored: await download(backup, from, options), from };
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof SafeMigrateError)) throw error;
      problems.push(...problemsOf(error));
      if (from !== backup.places.at(-1)) options.warn(`${messageOf(error)}; the next storage is tried`);
    }
  }
  throw new RefusedError(problems, { phase: 'fetch', docs: 'storage.md' });
}

async function download(
  { manifest }: ListedBackup,
  from: BackupPlace,
  { folder, signal, onProgress }: Options,
): Promise<GrowingFile> {
  const { name } = manifest.file;
  const key = `${from.folder}/${name}`;
  if (!from.objects.some((object) => object.key === key))
    throw damaged(`${from.url} has a manifest, but ${name} is not there`);
  const stored = await GrowingFile.create(join(folder, name));
  const report = setInterval(() => onProgress('fetched', stored.sizeBytes), 1000);
  try {
    await pipeline(await from.storage.get(key, signal), stored.writer, { signal });
    expectContent(`${name} in ${from.url}`, manifest.file, await stored.content);
    return stored;
  } catch (error) {
    await stored[Symbol.asyncDispose]();
    if (error instanceof SafeMigrateError || signal.aborted) throw error;
    throw damaged(`${name} in ${from.url} cannot be read to its end: ${messageOf(error)}`, error);
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

function schemaTextOf(backup: ListedBackup): string {
  try {
    return unpackSchemaText(backup.manifest.schema);
  } catch (error) {
    throw damaged(`the manifest of ${backup.id} holds a schema that cannot be unpacked`, error);
  }
}

function damaged(message: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_BACKUP_DAMAGED',
    message,
    hint: 'Nothing was touched. Use another storage that holds this backup, or another backup.',
    docs: 'storage.md',
    phase: 'fetch',
    cause,
  });
}
