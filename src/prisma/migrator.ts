import type { PhaseLog } from '../report/run-log.ts';
import type { Secret } from '../system/secret.ts';
import type { OwnTables } from './baseline.ts';
import type { ScriptFlaw } from './script-flaw.ts';

/** A migration on disk. */
export interface MigrationFile {
  /** Folder name, e.g. `20260103101500_split_name`. */
  readonly name: string;
  /** Absolute path of its migration.sql. */
  readonly path: string;
  /** SHA-256 (lower-case hex) of the bytes, and of the bytes with CRLF/LF exchanged: Prisma accepts any. */
  readonly checksums: readonly string[];
  readonly script: string;
  /** Why it could not run; absent where nothing is known against it. */
  readonly flaw?: ScriptFlaw;
}

/** A row of `_prisma_migrations`. */
export interface HistoryRow {
  readonly id: string;
  readonly checksum: string;
  readonly migrationName: string;
  /** ISO 8601 or null. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly rolledBackAt: string | null;
  readonly appliedStepsCount: number;
  readonly logs: string | null;
}

export interface DeployResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last 64 KiB of what it printed, stdout and stderr as they came. */
  readonly output: string;
  /** Prisma's error code found in the output (P1002, P3018, …), or null. */
  readonly errorCode: string | null;
  /** Local TCP ports that the migrator's processes were seen using (Linux); to tell its sessions from others'. */
  readonly localPorts: ReadonlySet<number>;
}

/** How a script ended that was run the migrator's way. */
export interface ScriptRun {
  readonly exitCode: number | null;
  /** What was printed, without row values and passwords. */
  readonly output: string;
}

/** The tool that applies migrations: the project's own Prisma, or the user's `migrate-command`. */
export interface Migrator {
  /**
   * `command`: a shell command of the user's. It may reach the database another way than this machine does, and do
   * more than Prisma does.
   */
  readonly kind: 'prisma' | 'command';
  /** e.g. `7.10.1`; `of migrate-command` when only that knows. */
  readonly version: string;
  /** The URL Migrate will really use, asked of Prisma itself; of a `command` the one that leads this machine there. */
  readonly url: Secret;
  /** Schema that holds `_prisma_migrations` (the URL's `schema`, or `public`). */
  readonly historySchema: string;
  readonly ownTables: OwnTables;
  /** Migrations on disk, sorted by name as Prisma does. */
  readonly migrations: readonly MigrationFile[];
  readonly migrationsDirectory: string;
  readonly warnings: readonly string[];
  /** Runs `migrate deploy` in its own process group; output goes live to the log. Aborting kills the group. */
  deploy(log: PhaseLog, signal: AbortSignal): Promise<DeployResult>;
  /**
   * Runs SQL that changes nothing the way that `deploy` goes (`prisma db execute --stdin`); resolves however it ends.
   * null when that way is not known.
   */
  readonly runScript: ((script: string, signal: AbortSignal) => Promise<ScriptRun>) | null;
  /**
   * `runScript` makes a container, whose entrypoint may migrate before the script runs. Aborting ends that container as
   * well, so nothing of it goes on once `runScript` has settled.
   */
  readonly runsEntrypoint: boolean;
  /**
   * Runs a failing two-statement script against `probeUrl` (a database made by this run) and says whether
   * Prisma sent it as one. The caller looks whether table `"safe_migrate_probe"` is there afterwards.
   */
  deployProbe(probeUrl: Secret, signal: AbortSignal): Promise<DeployResult>;
}
