import type { Readable, Writable } from 'node:stream';
import type { z } from 'zod';
import type { DatabaseAddress, ServerVersion, Unreachable } from '../../database.ts';

/** How a tool ended. */
export interface ToolExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last 64 KiB of what it wrote to stderr. May hold row values (DETAIL, CONTEXT): redact before showing. */
  readonly stderr: string;
}

/** A running psql, pg_dump or pg_restore. */
export interface ToolProcess {
  /** null unless started with `stdin: 'pipe'`. */
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  /** Settles after the process has ended and its streams are closed; rejects only when it cannot be started. */
  readonly exited: Promise<ToolExit>;
  kill(signal?: NodeJS.Signals): void;
}

export type ToolName = 'psql' | 'pg_dump' | 'pg_restore';

/** An archive of this machine that pg_restore is to read. */
export interface ArchiveReading {
  readonly archivePath: string;
  readonly args: readonly string[];
  /** null: no connection (reading an archive). */
  readonly database: string | null;
  /** Lines of `pg_restore --list`: these entries, in this order; null: all of them. */
  readonly entries: readonly string[] | null;
  /** Parallel jobs, as far as the place where pg_restore runs allows it. */
  readonly jobs: number;
  readonly signal: AbortSignal;
}

/**
 * The one way to the server: the database's own tools, wherever they run (this machine, the database's container,
 * a container of an image of PostgreSQL). Connection and password reach the tool by environment, never by arguments.
 * Disposing ends what was started for them; the tools themselves must have ended.
 */
export interface Tools extends AsyncDisposable {
  readonly version: ServerVersion;
  /** e.g. `tools 15.18 in /usr/lib/postgresql/15/bin`. */
  readonly fact: string;
  readonly warnings: readonly string[];
  /** Whether they connect from this machine to the URL's own host and port, as the project's Prisma does. */
  readonly goesByUrl: boolean;
  /** What error messages call the server when it is not reached by the URL's host and port; otherwise null. */
  readonly serverName: string | null;
  start(
    tool: ToolName,
    args: readonly string[],
    options: {
      /** null: no connection (reading an archive). */
      readonly database: string | null;
      readonly stdin?: 'pipe' | 'ignore';
      readonly env?: Readonly<Record<string, string>>;
      readonly signal?: AbortSignal;
    },
  ): ToolProcess;
  /** Runs pg_restore to its end. `stdout` is kept in memory: only small texts (`--list`) may go there. */
  readArchive(reading: ArchiveReading): Promise<ToolExit & { readonly stdout: string }>;
}

/**
 * One connection, held open by a psql. Statements run one at a time in the order given. Sessions start with
 * every timeout 0 and the settings that make text output comparable (see session.ts).
 * Errors: SafeMigrateError `SM_SQL` with `sqlState` (SqlError), `SM_CONNECTION_LOST` when the session is gone.
 */
export interface SqlSession extends AsyncDisposable {
  readonly database: string;
  readonly backendPid: number;
  /** Rows arrive as JSON objects (bigint and numeric as the query casts them: cast to text what may exceed 2^53). */
  query<T>(sql: string, row: z.ZodType<T>): Promise<readonly T[]>;
  /** One or more statements without results. */
  execute(sql: string): Promise<void>;
  /** Whether something is being waited for. */
  readonly isBusy: boolean;
  /** Aborts what is running and ends the session at once. */
  kill(): void;
}

/** The server that holds the target, reached the way the tools go. Disposing disposes of the tools. */
export interface PostgresServer extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly version: ServerVersion;
  readonly tools: Tools;
  /** The database in which statements about databases are run: the target, unless it cannot be connected to. */
  readonly home: string;
  /** null when the target can be connected to. */
  readonly unreachable: Unreachable | null;
  /** `applicationName` is cut to 63 bytes; default `safe-migrate`. */
  connect(database: string, options?: { readonly applicationName?: string }): Promise<SqlSession>;
}
