import type { Database, DatabaseAddress } from '../../database/database.ts';
import type { ScratchServer } from '../../database/scratch-server.ts';
import type { BaseBranch } from '../../git/base-branch.ts';
import type { CheckedProject } from '../../prisma/checked-project.ts';
import type { Migrator } from '../../prisma/migrator.ts';
import type { ReportBuilder } from '../../report/report-builder.ts';
import type { RunLog } from '../../report/run-log.ts';
import type { Storage } from '../../storage/port/storage.ts';
import type { StorageUrl } from '../../storage/port/storage-url.ts';
import type { StorageUse } from '../../storage/port/storage-use.ts';
import type { ProcessExit } from '../../system/process.ts';
import type { Secret } from '../../system/secret.ts';
import type { ShellCommand } from '../../system/shell-command.ts';
import type {
  BackupMaking,
  CheckSettings,
  PruneSettings,
  RollbackSettings,
  ToolSettings,
} from './settings.ts';

/** Who is at work; stands in database names, lock holders, manifests and reports. */
export interface RunIdentity {
  /** Short, sortable by start, unique per attempt; `[a-z0-9]`. */
  readonly id: string;
  readonly startedAt: Date;
  /** For whoever finds the lock taken, e.g. `owner/repo run 123`. */
  readonly description: string;
  readonly url: string | null;
  readonly commit: string | null;
}

/** The pull request that this run belongs to. */
export interface PullRequest {
  readonly number: number;
  /** Tip of its base branch when its own branch was last pushed to: the base may have moved on since. */
  readonly baseCommit: string;
  /** Tip of its own branch; what is checked out is usually a merge of it into the base branch. */
  readonly headCommit: string;
  /** From another repository: GitHub gives such runs no secrets and a token that may only read. */
  readonly isFromFork: boolean;
}

/** Opens the outside world for a story. Rejects with SafeMigrateErrors that name what is wrong. */
export interface Ports {
  /** The project's own Prisma, or `migrate-command`. */
  openMigrator(
    settings: BackupMaking | PruneSettings | RollbackSettings,
    run: RunIdentity,
    signal: AbortSignal,
  ): Promise<Migrator>;
  /** `evenWithoutTarget`: a target that is gone or cannot be connected to is no reason to reject (`Database.unreachable` says so). */
  openDatabase(
    url: Secret,
    settings: ToolSettings,
    options?: { readonly evenWithoutTarget?: boolean },
  ): Promise<Database>;
  /** Where a URL leads, without going there. Throws RefusedError. */
  addressOf(url: Secret, directory: string): DatabaseAddress;
  /** Runs a command of the user's. */
  runShellCommand(command: ShellCommand): Promise<ProcessExit>;
  openStorage(url: StorageUrl, use: StorageUse): Storage;
  /** Loads the SQL parser: never while a migration is under way, because a failure to load ends the process. */
  loadParser(): Promise<void>;
  /** The project as `check` looks at it; works without a URL. */
  openCheckedProject(settings: CheckSettings, signal: AbortSignal): Promise<CheckedProject>;
  /** Never through `container`, which is the target's. `warn` is told about databases that could not be dropped. */
  openScratchServer(
    url: Secret,
    settings: ToolSettings,
    run: string,
    warn: (line: string) => void,
  ): Promise<ScratchServer>;
  readBaseBranch(request: {
    readonly repository: string;
    readonly paths: readonly string[];
    readonly baseCommit: string;
    readonly headCommit: string;
  }): Promise<BaseBranch>;
}

/** What every story gets. */
export interface CommandContext {
  readonly run: RunIdentity;
  readonly log: RunLog;
  readonly report: ReportBuilder;
  readonly ports: Ports;
  /** Absolute path of a 0700 folder that is removed when the run is over. */
  readonly workFolder: string;
  /** Absolute path of the root of the repository that the project lies in. */
  readonly repository: string;
  /** null when this run belongs to none. */
  readonly pullRequest: PullRequest | null;
  /** Told whenever something of this run begins or ceases to be open: for whoever looks after it when it has died. */
  readonly journalIsOpen: (isOpen: boolean) => void;
  /** Aborted when the run is cancelled. Recovery does not listen to it. */
  readonly signal: AbortSignal;
}
