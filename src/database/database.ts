import type { Writable } from 'node:stream';
import type { z } from 'zod';
import type { TableDifference } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import type { Secret } from '../system/secret.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Journal, JournalChange } from './journal.ts';
import type { MeetingPoint } from './meeting-point.ts';
import type { ComparedSchema, ServerIdentity } from './scratch-server.ts';
import type { NamePlan, SwapOutcome, SwapPlan } from './swap-plan.ts';
import type { ServerRole, TargetFacts } from './target-facts.ts';
import type { LockHolder, LockWatch, PreparedWork, WorkSession } from './work-session.ts';

export type { Fingerprint, TableContent } from './fingerprint.ts';
export type { MeetingPoint, ServerPlace, Visitor } from './meeting-point.ts';
export type { NamePlan, SwapOutcome, SwapPlan } from './swap-plan.ts';
export type { ConnectionRoom, Obstacle, ServerRole, TargetFacts } from './target-facts.ts';
export type { LockHolder, LockWatch, PreparedWork, WorkSession } from './work-session.ts';

/** Where the target is, for people; holds no secret. */
export interface DatabaseAddress {
  readonly database: string;
  /** Host name, address, or directory of the socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export interface ServerVersion {
  /** `server_version_num`, e.g. 150018. */
  readonly number: number;
  readonly major: number;
  /** e.g. `15.18`. */
  readonly text: string;
}

/** A target that a rollback is to replace although nobody can connect to it. */
export interface Unreachable {
  /** There is no such database; otherwise it is there. */
  readonly isMissing: boolean;
  /** What the server said. */
  readonly because: string;
}

/** What belongs to the database itself and is carried neither by a dump without -C nor by TEMPLATE. */
export interface DatabaseProperties {
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** `c`, `i` or `b` (pg_database.datlocprovider); `c` before PostgreSQL 15. */
  readonly localeProvider: string;
  readonly icuLocale: string | null;
  readonly icuRules: string | null;
  readonly tablespace: string;
  readonly connectionLimit: number;
  readonly comment: string | null;
  /** aclitems as text, sorted; null when the ACL is the default one. */
  readonly acl: readonly string[] | null;
  /** pg_db_role_setting rows of this database: role null is ALTER DATABASE SET. `name=value`. */
  readonly settings: readonly { readonly role: string | null; readonly config: readonly string[] }[];
}

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

/** The run's own lock on the target; one run at a time. */
export interface RunLock extends AsyncDisposable {
  /** Name of the coordination database, `<db>__safe_migrate`; null for a role that may not create one. */
  readonly coordinationDatabase: string | null;
  /**
   * Aborts with SM_LOCK_LOST when the session that holds it is found to be gone, or when the server is silent for a minute.
   * For work before the migration; later a lost lock may be taken again.
   */
  readonly lost: AbortSignal;
  /** Rejects with SM_LOCK_LOST when the session that holds it is gone. */
  assertHeld(): Promise<void>;
  /**
   * For a recovery after the server ended all sessions (a crash, a restart): takes the lock again if it was lost.
   * Rejects with SM_LOCKED when another run has it by now. Before a migration a lost lock ends the run instead.
   */
  regain(): Promise<void>;
  /**
   * Changes the journal, which only the holder of this lock may do; nothing happens where there is no coordination
   * database. Rejects with SM_LOCK_LOST, SM_JOURNAL (the role may not write it) or SM_JOURNAL_TAKEN (what stands there
   * is not what the writer left: somebody else has finished meanwhile).
   */
  writeJournal(change: JournalChange): Promise<void>;
}

/**
 * One target database and the server it lives on. Every statement and every tool goes the same way.
 * Errors are SafeMigrateErrors; none of them holds row values or secrets.
 */
export interface Database extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly server: ServerVersion;
  /** e.g. `tools 15.18 in /usr/lib/postgresql/15/bin`. */
  readonly toolsFact: string;
  /** Warnings that came up while choosing tools (old minor version, newer major, …). */
  readonly toolsWarnings: readonly string[];

  /**
   * Why the target cannot be connected to; null when it can. Not null only where a database was opened for a
   * rollback: then questions about databases are asked elsewhere, and whatever needs the target rejects.
   */
  readonly unreachable: Unreachable | null;

  /** Runs a query in the target and parses every row (a JSON object). */
  query<T>(sql: string, row: z.ZodType<T>): Promise<readonly T[]>;
  execute(sql: string): Promise<void>;
  /** Runs a query in another database of the same server: one that this run made. */
  queryIn<T>(database: string, sql: string, row: z.ZodType<T>): Promise<readonly T[]>;
  /** The target's URL with another database in it, for a Prisma that is to work on a copy. */
  urlOf(database: string): Secret;
  /** `<db>__fallback_<run>` and its like, within PostgreSQL's 63 bytes. */
  copyName(kind: 'fallback' | 'rehearsal' | 'failed' | 'scratch', run: string): string;
  /**
   * Under which name, and run, what is the target now is kept when it is swapped out: by the run that is undone, unless
   * somebody has put a database there meanwhile; whoever sees the copy's name could guess that one.
   */
  failedPlace(run: string): Promise<{ readonly name: string; readonly run: string }>;
  /** The comment that proves a database of that name to be ours. */
  copyMark(kind: 'fallback' | 'rehearsal' | 'failed', run: string): string;
  /** Ends the question that is being asked of the target, which then rejects; the next one is asked as ever. */
  interrupt(): void;
  inspect(): Promise<TargetFacts>;
  /** Which cluster answers. */
  identity(): Promise<ServerIdentity>;
  /** The server's clock now; needs no target. */
  serverTime(): Promise<Date>;
  /** The target's schema for a comparison; needs no right but SELECT. */
  schema(signal: AbortSignal): Promise<ComparedSchema>;

  /** Takes the run's lock or rejects with SM_LOCKED, naming holder and start. */
  lock(holder: {
    readonly run: string;
    readonly description: string;
    readonly startedAt: string;
    /** Told when the coordination database stays behind, and why. */
    readonly onLeftBehind?: (line: string) => void;
  }): Promise<RunLock>;

  /**
   * The journal of a run on this target that has not ended, or has left something to finish; null when nothing is
   * open. Needs no lock. Rejects with SM_JOURNAL_UNREADABLE.
   */
  openJournal(): Promise<Journal | null>;
  /** Database and comment that say that nothing is open: for a person who closes the journal by hand. */
  readonly closedJournal: { readonly database: string; readonly comment: string };

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

  /** The swap: one transaction, see recovery docs. Rejects with SM_SWAP_FAILED; then both names are as before. */
  swap(plan: SwapPlan, log: PhaseLog): Promise<SwapOutcome>;
  /**
   * The swap where there is no target: the fallback takes its name, in one transaction. Rejects with SM_SWAP_FAILED;
   * then there still is none.
   */
  takeName(plan: NamePlan): Promise<void>;
  /** OID of a database by name; null when there is none. */
  oidOf(name: string): Promise<number | null>;
  schemaDigest(signal: AbortSignal): Promise<string>;
  properties(): Promise<DatabaseProperties>;
  /** The server's roles, but for PostgreSQL's own. */
  roles(): Promise<readonly ServerRole[]>;

  /** Per-table differences between the failed database and the recovered target; only tables that differ. */
  compareWithFailed(
    request: {
      readonly failedName: string;
      readonly xidAtSwap: number;
      readonly before: Fingerprint;
      readonly jobs: number;
    },
    log: PhaseLog,
  ): Promise<readonly TableDifference[]>;

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

  /** Whether the URL's host and port lead everybody on this machine to the server that the tools reach. */
  isOneRoute(): Promise<boolean>;
  /**
   * `keepsMigratorsOut`: whatever else the visitor brings along cannot migrate meanwhile, because Prisma's lock is held
   * here; rejects with SM_MIGRATOR_BUSY when somebody has it.
   */
  openMeetingPoint(options: { readonly keepsMigratorsOut: boolean }): Promise<MeetingPoint>;

  /** Who holds Prisma's advisory lock (72707369) in the target now. */
  prismaLockHolder(): Promise<LockHolder | null>;
  /** The same while Prisma runs, several times a second, from a session of its own that nothing waits for. */
  watchPrismaLock(): Promise<LockWatch>;
  /** Sessions in the target that began at `since` (ISO 8601) or later, or bear `applicationName`; ours are not among them. */
  workSessions(by: {
    readonly since: string;
    readonly applicationName: string;
  }): Promise<readonly WorkSession[]>;
  /** Which of these processes are still there or still hold a lock. */
  stillThere(pids: readonly number[]): Promise<readonly number[]>;
  terminate(pid: number): Promise<boolean>;
  /** Transactions that were prepared in the target at `since` or later. */
  preparedWork(since: string): Promise<readonly PreparedWork[]>;
  /** False when it is gone, or this role may not. */
  rollbackPrepared(gid: string): Promise<boolean>;
}
