import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { atMost } from '../encryption/at-most.ts';
import { damaged } from '../encryption/damaged.ts';
import { digestOf } from '../encryption/digest.ts';
import type { Keys } from '../encryption/encryption.ts';
import {
  type BackupDetails,
  countsOf,
  detailsName,
  detailsSchema,
  maximumDetailsBytes,
} from '../manifest/details.ts';
import type { StoredManifest } from '../manifest/manifest.ts';
import { detailsOfVersion1 } from '../manifest/manifest-version-1.ts';
import { authenticate } from './authenticate.ts';
import { beginAnew } from './begin-anew.ts';
import { fromAnyPlace } from './from-any-place.ts';
import type { BackupPlace, ListedBackup } from './stored-backups.ts';
import { unseal } from './unseal.ts';

/** A stored backup of which everything is known but its rows. */
export interface OpenedBackup {
  readonly listed: ListedBackup;
  readonly details: BackupDetails;
  /** Whether the passphrase says that nobody has exchanged it. */
  readonly authenticated: boolean;
}

interface Options {
  readonly signal: AbortSignal;
  readonly warn: (line: string) => void;
}

/**
 * Reads what a backup must look like when it is restored: manifest authenticated, details of the length and SHA-256 that it
 * says, decrypted. Rejects as `authenticate` and `unseal` do, and with SM_BACKUP_DAMAGED.
 */
export async function openBackup(listed: ListedBackup, keys: Keys, options: Options): Promise<OpenedBackup> {
  const authenticated = await authenticate(listed, keys);
  return { listed, details: await readDetails(listed, keys, options), authenticated };
}

/** Whether its details can be read without a key: for whoever only looks, and believes the storage. */
export function isOpen({ manifest, version1 }: ListedBackup): boolean {
  return manifest.encryption === null || version1 !== null;
}

/** The same as `openBackup`, without asking who wrote the manifest. */
export async function readDetails(
  listed: ListedBackup,
  keys: Keys,
  options: Options,
): Promise<BackupDetails> {
  const { id, manifest, version1 } = listed;
  const stored = manifest.details;
  if (stored === null || version1 !== null) {
    if (version1 === null) throw new TypeError(`${id} has its details nowhere`);
    try {
      return detailsOfVersion1(version1);
    } catch (error) {
      throw damaged(`the manifest of ${id} holds a schema that cannot be unpacked`, error);
    }
  }
  return await fromAnyPlace(listed, options, async (place) => {
    const sealed = await download(place, stored, options);
    const plain = stored.name === detailsName ? sealed : await opened(id, sealed, keys, options.signal);
    return understood(listed, `${stored.name} in ${place.url}`, plain);
  });
}

async function download(
  { storage, folder, url, objects }: BackupPlace,
  { name, sizeBytes, sha256 }: StoredManifest['details'],
  options: Options,
): Promise<Buffer> {
  const { signal } = options;
  const key = `${folder}/${name}`;
  if (!objects.some((object) => object.key === key))
    throw damaged(`${url} has a manifest, but ${name} is not there`);
  if (sizeBytes > maximumDetailsBytes) throw damaged(`${name} in ${url} is far too large to be one`);
  let collected = new Collected();
  const tooLong = () => damaged(`${name} in ${url} is longer than its manifest says, ${sizeBytes} bytes`);
  try {
    await beginAnew(`${name} in ${url}`, options, async () => {
      collected = new Collected();
      await pipeline(await storage.get(key, signal), atMost(sizeBytes, tooLong), collected, { signal });
    });
  } catch (error) {
    if (error instanceof SafeMigrateError || signal.aborted) throw error;
    throw damaged(`${name} in ${url} cannot be read to its end: ${messageOf(error)}`, error);
  }
  const held = digestOf(collected.content);
  if (held.sizeBytes !== sizeBytes)
    throw damaged(`${name} in ${url} has ${held.sizeBytes} bytes; its manifest says ${sizeBytes}`);
  if (held.sha256 !== sha256)
    throw damaged(
      `${name} in ${url} has not the SHA-256 that its manifest says: it was changed after it was stored`,
    );
  return collected.content;
}

async function opened(id: string, sealed: Buffer, keys: Keys, signal: AbortSignal): Promise<Buffer> {
  const plain = new Collected();
  await unseal({ id, sealed: Readable.from([sealed]) }, keys, plain, signal);
  return plain.content;
}

function understood({ id, manifest }: ListedBackup, what: string, text: Buffer): BackupDetails {
  let json: unknown;
  try {
    json = JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw damaged(`${what} is no JSON`, error);
  }
  const { data, error } = detailsSchema.safeParse(json);
  if (error !== undefined)
    throw damaged(`${what} is not as it should be: ${error.issues[0]?.path.join('.')}`);
  if (data.id !== id) throw damaged(`${what} is that of another backup, ${data.id.slice(0, 100)}`);
  const { tables, rows } = countsOf(data);
  if (tables !== manifest.counts.tables || rows !== manifest.counts.rows) {
    throw damaged(`${what} has other numbers of tables and rows than its manifest`);
  }
  return data;
}

/** Keeps what is written to it, in memory. */
class Collected extends Writable {
  readonly #chunks: Uint8Array[] = [];

  get content(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }
}
