import type { Readable } from 'node:stream';
import type { Storage, StoredObject } from '../../storage/port/storage.ts';
import { messageOf } from '../../system/errors.ts';
import { damaged as damagedBackup } from '../encryption/damaged.ts';
import { digestOf } from '../encryption/digest.ts';
import { backupFolder, databaseFolder } from '../making/backup-id.ts';
import { type Manifest, manifestName } from '../manifest/manifest.ts';
import type { ManifestVersion1 } from '../manifest/manifest-version-1.ts';
import { parseManifest } from '../manifest/parse-manifest.ts';
import { beginAnew } from './begin-anew.ts';

/** Manifests that are read at once. */
const readers = 8;
/** Far more than a manifest of format version 1 for 100 000 tables; whatever is larger is none. */
const maximumManifestBytes = 64 * 1024 * 1024;

/** A backup in one storage. */
export interface BackupPlace {
  readonly storage: Storage;
  /** `<database>/<id>`, below the storage's prefix. */
  readonly folder: string;
  /** The folder's address, for people. */
  readonly url: string;
  /** All that lies in the folder, the manifest as well. */
  readonly objects: readonly StoredObject[];
}

/** A backup that has a readable manifest, and every storage that holds it. */
export interface ListedBackup {
  readonly id: string;
  readonly manifest: Manifest;
  /** The manifest itself where it is one of format version 1 and holds the details as well. */
  readonly version1: ManifestVersion1 | null;
  /** As it is stored, byte for byte; the same in every place. */
  readonly manifestText: string;
  /** In the order of the storages; at least one. */
  readonly places: readonly [BackupPlace, ...BackupPlace[]];
}

/** A folder that cannot be called a backup. It is reported and never removed on the strength of what it seems to be. */
interface UnreadableBackup {
  readonly id: string;
  readonly place: BackupPlace;
  /** What is wrong, in words; null when the folder has no manifest, so that an upload never came to its end. */
  readonly problem: string | null;
  /** Its retention at the storage is over: that is how it should end. */
  readonly isExpired: boolean;
  /** When the youngest of its objects was written. */
  readonly modifiedAt: Date;
}

/** What the storages hold for one database. */
export interface StoredBackups {
  /** Newest first, by the manifests' own times. */
  readonly backups: readonly ListedBackup[];
  /** Newest first, by id. */
  readonly unreadable: readonly UnreadableBackup[];
  /** Why storages may hold more than what was listed; sentences. */
  readonly doubts: readonly string[];
  /** Storages that could not be asked; what they hold is unknown. */
  readonly silent: readonly { readonly storage: Storage; readonly error: unknown }[];
}

/**
 * Lists the backups of a database over several storages. What is damaged, unfinished or silent is part of the
 * answer and hides nothing else; rejects only when no storage answers, or when `signal` ends it.
 *
 * The same backup in two places is one. Two that share an id and differ in their manifest are two: at least
 * one of them is not what it seems.
 */
export async function listBackups(
  storages: readonly Storage[],
  database: string,
  options: {
    readonly signal: AbortSignal;
    /** Only this backup; default: all. */
    readonly id?: string;
  },
): Promise<StoredBackups> {
  const silent: { storage: Storage; error: unknown }[] = [];
  const doubts: string[] = [];
  const perStorage = await Promise.all(
    storages.map(async (storage) => {
      try {
        return await listStorage(storage, database, { ...options, onDoubt: (why) => doubts.push(why) });
      } catch (error) {
        options.signal.throwIfAborted();
        silent.push({ storage, error });
        return [];
      }
    }),
  );
  if (silent[0] !== undefined && silent.length === storages.length) throw silent[0].error;

  const folders = perStorage.flat();
  return {
    backups: merge(folders).sort((a, b) => createdAtOf(b) - createdAtOf(a) || (a.id < b.id ? 1 : -1)),
    unreadable: folders
      .filter((folder) => folder.manifest === null)
      .map(({ id, place, problem, isExpired, modifiedAt }) => ({ id, place, problem, isExpired, modifiedAt }))
      .sort((a, b) => (a.id < b.id ? 1 : -1)),
    doubts,
    silent,
  };
}

function createdAtOf({ manifest }: ListedBackup): number {
  return Date.parse(manifest.createdAt);
}

interface Folder {
  readonly id: string;
  readonly place: BackupPlace;
  readonly modifiedAt: Date;
  readonly manifest: Manifest | null;
  readonly version1: ManifestVersion1 | null;
  readonly manifestText: string;
  readonly problem: string | null;
  readonly isExpired: boolean;
}

async function listStorage(
  storage: Storage,
  database: string,
  {
    signal,
    id,
    onDoubt,
  }: {
    readonly signal: AbortSignal;
    readonly id?: string;
    readonly onDoubt: (sentence: string) => void;
  },
): Promise<readonly Folder[]> {
  const root = `${id === undefined ? databaseFolder(database) : backupFolder(database, id)}/`;
  const objects = await storage.list(root, signal, (because) =>
    onDoubt(`${storage.url} may hold more than what was listed: ${because}`),
  );
  const folders = [...Map.groupBy(objects, ({ key }) => folderOf(key))].filter(
    (entry): entry is [string, StoredObject[]] => entry[0] !== null,
  );
  const found: Folder[] = [];
  const next = folders[Symbol.iterator]();
  const readOneAfterTheOther = async (): Promise<void> => {
    for (const [folder, held] of next) found.push(await readFolder(storage, database, folder, held, signal));
  };
  await Promise.all(Array.from({ length: readers }, readOneAfterTheOther));
  return found;
}

/** `<database>/<id>` of `<database>/<id>/<name>`; null for what lies elsewhere. */
function folderOf(key: string): string | null {
  const parts = key.split('/');
  return parts.length === 3 ? `${parts[0]}/${parts[1]}` : null;
}

async function readFolder(
  storage: Storage,
  database: string,
  folder: string,
  objects: readonly StoredObject[],
  signal: AbortSignal,
): Promise<Folder> {
  const id = folder.slice(folder.indexOf('/') + 1);
  const common = {
    id,
    place: { storage, folder, url: `${storage.url}/${folder}`, objects },
    modifiedAt: new Date(Math.max(...objects.map((object) => Date.parse(object.modifiedAt)))),
  };
  const damaged = (problem: string | null, isExpired = false) => ({
    ...common,
    manifest: null,
    version1: null,
    manifestText: '',
    problem,
    isExpired,
  });
  const held = objects.find(({ key }) => key === `${folder}/${manifestName}`);
  const expired = objects.find(({ expiredAt }) => expiredAt !== undefined);
  if (expired !== undefined) return damaged(`it expired on ${expired.expiredAt?.slice(0, 10)}`, true);
  if (held === undefined) return damaged(null);
  if (held.sizeBytes > maximumManifestBytes) return damaged('its manifest is far too large to be one');
  let manifestText: string;
  try {
    // Without a word: what could not be read at last is told by itself.
    manifestText = await beginAnew(`the manifest of ${id}`, { signal, warn: () => {} }, async () =>
      readText(await storage.get(held.key, signal)),
    );
  } catch (error) {
    signal.throwIfAborted();
    return damaged(`its manifest cannot be read: ${messageOf(error)}`);
  }
  const parsed = parseManifest(manifestText, { id, database });
  return parsed.manifest === null
    ? damaged(`its manifest ${parsed.problem}`)
    : { ...common, ...parsed, manifestText, isExpired: false };
}

async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    // The listing may have said less than there is.
    if (sizeBytes > maximumManifestBytes) throw damagedBackup('it is far too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function merge(folders: readonly Folder[]): ListedBackup[] {
  const merged = new Map<string, { -readonly [K in keyof ListedBackup]: ListedBackup[K] }>();
  for (const { id, place, manifest, version1, manifestText } of folders) {
    if (manifest === null) continue;
    const key = `${id} ${digestOf(Buffer.from(manifestText)).sha256}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { id, manifest, version1, manifestText, places: [place] });
    else known.places = [...known.places, place];
  }
  return [...merged.values()];
}
