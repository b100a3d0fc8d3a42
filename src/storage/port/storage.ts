import type { Readable } from 'node:stream';
import type { BackupLocation } from '../../report/report.ts';

/** What a stored object must turn out to be; known only when the whole of it has been read. */
export interface ExpectedContent {
  readonly sizeBytes: number;
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
}

export interface PutRequest {
  /** Key below the storage's own prefix: `<database>/<id>/database.dump`. `/`-separated, no `..`. */
  readonly key: string;
  /**
   * The content. It ends only when it is whole; it is destroyed with an error when it is not, and then
   * nothing may be left behind: no object, no part, no temporary file.
   */
  readonly body: Readable;
  /**
   * Absolute path of a file that holds the same content when `body` has ended, and stays until this settles. A
   * storage that can only send finished files takes it instead of making a copy.
   */
  readonly path?: string;
  /** Upper estimate in bytes, for part sizes; the content may be smaller or (seldom) larger. */
  readonly estimatedBytes: number;
  /** Resolves before `body` ends; what is stored is verified against it. */
  readonly expected: Promise<ExpectedContent>;
  readonly signal: AbortSignal;
  /** Bytes that the storage has accepted so far. */
  readonly onProgress?: (sentBytes: number) => void;
}

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** ISO 8601. */
  readonly modifiedAt: string;
  /** ISO 8601: since when it is only a name, its content gone with its retention. Where storages do such things. */
  readonly expiredAt?: string;
}

/**
 * A place that holds backups. One suite (test/support/storage-contract.ts) holds every implementation to this.
 * All errors are SafeMigrateErrors with codes `SM_STORAGE_…`.
 */
export interface Storage {
  readonly kind: BackupLocation['storage'];
  /** For people and reports; never with credentials. */
  readonly url: string;
  /**
   * Proves, leaving nothing behind, that objects can be written here, and returns warnings (for example:
   * credentials that end before `neededMinutes` [60] are over). Rejects with SM_STORAGE_MISSING or SM_STORAGE_FORBIDDEN.
   */
  check(signal: AbortSignal, neededMinutes?: number): Promise<readonly string[]>;
  /**
   * Stores an object write-once and returns when it is durable and verified; the location says how it was
   * verified. Rejects with SM_STORAGE_EXISTS when the key is taken, SM_STORAGE_MISMATCH when what is held
   * is not what was expected (the object is then removed).
   */
  put(request: PutRequest): Promise<BackupLocation>;
  /** The object's content. Rejects with SM_STORAGE_NOT_FOUND. */
  get(key: string, signal: AbortSignal): Promise<Readable>;
  /**
   * All objects whose key starts with `prefix`, sorted by key. What changes while it is listed is listed again; when it does
   * not come to rest, `onDoubt` hears why there may be more than what is returned (which continues "…: ").
   */
  list(
    prefix: string,
    signal: AbortSignal,
    onDoubt?: (because: string) => void,
  ): Promise<readonly StoredObject[]>;
  /**
   * Ends uploads below `prefix` that were begun and never completed, of a run that is known to be dead: parts,
   * temporary files. Completed objects stay.
   */
  abandon(prefix: string, signal: AbortSignal): Promise<void>;
  /** Removes one object; it is no error when it is not there. */
  remove(key: string, signal: AbortSignal): Promise<void>;
}
