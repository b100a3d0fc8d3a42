import type { Writable } from 'node:stream';
import type { Fingerprint } from './fingerprint.ts';
import type { ComparedSchema } from './scratch-server.ts';
import type { ServerRole } from './target-facts.ts';

/** Statistics counters by `schema.table` (quoted as needed): a cheap hint of writes, never a proof. */
export type WriteCounters = Readonly<Record<string, string>>;

/** Names of the columns of every table; the key is a JSON array of schema and name. */
export type TableColumns = Readonly<Record<string, readonly string[]>>;

/** A transaction that keeps one snapshot open for everybody who reads in it. Disposing ends it. */
export interface Snapshot extends AsyncDisposable {
  /** The catalog witness as of the snapshot. */
  readonly witness: string;
  readonly counters: WriteCounters;
  /** Whether there is a schema `public`, which no dump can say. */
  readonly hasPublicSchema: boolean;
  /** ISO 8601: when the snapshot was taken, by the server's clock. */
  readonly takenAt: string;
  /**
   * Streams `pg_dump -Fc` of the snapshot into `sink`. `sink` is ended only after pg_dump exited 0 and is
   * destroyed otherwise. Rejects with SM_DUMP_FAILED (what could not be read is named).
   */
  dump(sink: Writable, signal: AbortSignal): Promise<void>;
  /** Reads the fingerprint with `jobs` sessions in the same snapshot. */
  fingerprint(
    jobs: number,
    signal: AbortSignal,
    onTable?: (done: number, all: number) => void,
  ): Promise<Fingerprint>;
  /** Text of the schema-only dump in the same snapshot, for the fixpoint comparison and for reports. */
  schemaText(signal: AbortSignal): Promise<string>;
}

/** What the target holds, and what of that has changed. */
export interface ContentsPort {
  openSnapshot(): Promise<Snapshot>;
  /** The witness of the target now. */
  witness(): Promise<string>;
  counters(): Promise<WriteCounters>;
  /**
   * Tables whose content differs now from `before`: only those whose counters moved are read, or all of them
   * when `exact`, and then `large objects` where those differ. Tables that are gone or new are not listed.
   */
  changedTables(
    before: Fingerprint,
    counters: WriteCounters,
    options: {
      readonly exact: boolean;
      readonly jobs: number;
      readonly signal: AbortSignal;
      /** What the tables had in `before`: columns that were added since are no difference. */
      readonly columns?: TableColumns;
      /** How long somebody else may lock a table; without it: for ever. Rejects with SM_SQL then. */
      readonly lockTimeoutSeconds?: number;
    },
  ): Promise<readonly string[]>;
  columns(): Promise<TableColumns>;
  /** A number that is another one once anything was written into the target, and maybe without that; see `SwapPlan`. */
  writtenRows(targetOid: number): Promise<string>;
  /** Sequences that stand lower now than in `before` (somebody set them back). */
  rewoundSequences(before: Fingerprint): Promise<readonly string[]>;
  /** Sequences that stand anywhere else than in `before`. */
  movedSequences(before: Fingerprint): Promise<readonly string[]>;
  schemaDigest(signal: AbortSignal): Promise<string>;
  /** The target's schema for a comparison; needs no right but SELECT. */
  schema(signal: AbortSignal): Promise<ComparedSchema>;
  /** The server's roles, but for PostgreSQL's own. */
  roles(): Promise<readonly ServerRole[]>;
}
