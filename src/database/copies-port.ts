import type { z } from 'zod';
import type { PhaseLog } from '../report/run-log.ts';
import type { Secret } from '../system/secret.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { DatabaseProperties } from './properties.ts';

/** The restored copy beside the target. */
export interface Fallback {
  readonly name: string;
  readonly oid: number;
  /** As read back from the copy: its schema digest is what the target must have after a swap. */
  readonly fingerprint: Fingerprint;
  /** What the comparison does not prove, each as a sentence that begins with the object. */
  readonly told: readonly string[];
}

/** One that says of itself that a run made it, and belongs to a role that no run on this target would have given it to. */
export interface ForeignDatabase {
  readonly name: string;
  readonly owner: string;
  /** The statement that removes it. */
  readonly removal: string;
}

/** Databases that runs make beside the target. */
export interface CopiesPort {
  /** `<db>__fallback_<run>` and its like, within PostgreSQL's 63 bytes. */
  copyName(kind: 'fallback' | 'rehearsal' | 'failed' | 'scratch', run: string): string;
  /** The comment that proves a database of that name to be ours. */
  copyMark(kind: 'fallback' | 'rehearsal' | 'failed', run: string): string;
  /** Reads the archive from end to end without restoring it. Rejects with SM_DUMP_DAMAGED. */
  readArchive(dumpPath: string, signal: AbortSignal): Promise<void>;
  /**
   * Restores the dump file into a new database `name`, with owner, ACL, settings and limit of `properties`,
   * ANALYZEs it, compares it with `expected` and closes it to connections. Rejects with SM_RESTORE_FAILED
   * (the object that pg_restore named) or SM_NOT_EQUAL (what differs); the copy is dropped before rejecting.
   */
  restoreBeside(
    request: {
      readonly name: string;
      readonly run: string;
      readonly dumpPath: string;
      readonly expected: Fingerprint;
      readonly expectedSchemaText: string;
      /** Whether the source has a schema `public`, which no dump can say; by default as the target now. */
      readonly hasPublicSchema?: boolean;
      readonly properties: DatabaseProperties;
      readonly jobs: number;
      readonly signal: AbortSignal;
    },
    log: PhaseLog,
  ): Promise<Fallback>;
  /** Kept failed databases of this target, newest first. */
  failedDatabases(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]>;
  /** Databases that bear our names or marks for this target, and belong to somebody whom nothing is believed of. */
  foreignDatabases(): Promise<readonly ForeignDatabase[]>;
  /** Other copies that runs of safe-migrate left (fallback, rehearsal), by name; provably ours only. */
  leftoverCopies(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]>;
  /**
   * Marks the copy of a run that died before it could do so itself, when nothing is in it; does nothing to any other
   * database. The caller knows that the run is dead.
   */
  claimCopy(kind: 'fallback' | 'rehearsal' | 'scratch', run: string): Promise<void>;
  /** Drops one database that is provably a copy (or kept failed database) made by safe-migrate for this target. */
  dropCopy(name: string): Promise<void>;
  /** Runs a query in another database of the same server: one that this run made. */
  queryIn<T>(database: string, sql: string, row: z.ZodType<T>): Promise<readonly T[]>;
  /** The target's URL with another database in it, for a Prisma that is to work on a copy. */
  urlOf(database: string): Secret;
}
