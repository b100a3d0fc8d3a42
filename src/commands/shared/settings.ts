import type { Encryption, Keys } from '../../backup/encryption/encryption.ts';
import type { RetentionPolicy } from '../../backup/stored/retention.ts';
import type { StorageUrl } from '../../storage/port/storage-url.ts';
import type { Secret } from '../../system/secret.ts';

export interface HookSettings {
  readonly workingDirectory: string;
  /** Shell commands; null: none. */
  readonly beforeMigrate: string | null;
  readonly afterMigrate: string | null;
  /** For each of them. */
  readonly hookTimeoutMinutes: number;
}

/** What every command that makes a backup knows. Parsed once, by `runner/`; nothing here needs checking again. */
interface BackupMakingSettings {
  /** null: the URL that Prisma itself would use. */
  readonly databaseUrl: Secret | null;
  /** Absolute path of an existing folder. */
  readonly workingDirectory: string;
  /** Absolute path of an existing file or folder; null: Prisma finds it by itself. */
  readonly prismaSchema: string | null;
  /** Absolute path of an existing file; null: Prisma finds it by itself. */
  readonly prismaConfig: string | null;
  /** Container (name or compose service) in which the database's tools run; null: not in one. */
  readonly container: string | null;
  /** Image for a machine without fitting tools; null: PostgreSQL's own. */
  readonly clientImage: string | null;
  /** All different, in the order given; at least one. */
  readonly storages: readonly [StorageUrl, ...StorageUrl[]];
  /** null: backups are stored as they are. */
  readonly encryption: Encryption | null;
  readonly retention: RetentionPolicy;
  /** Parallel sessions, 1 to 16. */
  readonly jobs: number;
  /** Last part of the backup id; null: the command chooses it. */
  readonly label: string | null;
  /** `restore`: restored beside and compared. `archive`: length, digest and a full read only. */
  readonly verify: 'restore' | 'archive';
}

export interface MigrateSettings extends BackupMakingSettings {
  readonly command: 'migrate';
  /** Shell command that applies the migrations; null: the project's own Prisma. */
  readonly migrateCommand: string | null;
  /** `auto`: the least destructive way that is proved to be enough. `swap`: always the restored backup. */
  readonly recovery: 'auto' | 'swap';
  readonly onNewWrites: 'restore' | 'stop';
  /** Longest time for the migration; then it is ended, and the target comes back. */
  readonly migrationTimeoutMs: number;
  /** How many kept failed databases stay after a confirmed migration. */
  readonly keepFailed: number;
}

/** How the database and its Prisma project are found. */
type ProjectSettings = Pick<
  BackupMakingSettings,
  'databaseUrl' | 'workingDirectory' | 'prismaSchema' | 'prismaConfig' | 'container' | 'clientImage'
>;

/** Where relative paths in a URL start from, and where the database's tools run. */
export type ToolSettings = Pick<ProjectSettings, 'workingDirectory' | 'container' | 'clientImage'>;

/** `check` makes no backup and takes no lock. */
export interface CheckSettings extends ProjectSettings {
  readonly command: 'check';
  /** The least severe finding that fails the job; `none`: nothing does. */
  readonly failOn: 'error' | 'warning' | 'none';
  /** Whether the pull request gets a comment. */
  readonly comment: boolean;
  /** The server for scratch databases; null: what needs one is not checked. */
  readonly shadowDatabaseUrl: Secret | null;
}

export interface BackupSettings extends BackupMakingSettings {
  readonly command: 'backup';
}

export interface RollbackSettings
  extends ProjectSettings,
    Pick<BackupMakingSettings, 'storages' | 'jobs'>,
    HookSettings {
  readonly command: 'rollback';
  readonly keys: Keys;
  /** An id, or `latest`. */
  readonly backup: string;
  /** The database's name, to show that it is meant; null only for a dry run. */
  readonly confirm: string | null;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
}

/** `prune` makes no backup. */
export interface PruneSettings extends ProjectSettings, Pick<BackupMakingSettings, 'storages' | 'retention'> {
  readonly command: 'prune';
  readonly dryRun: boolean;
}

/** What the user asked for, by command. Later commands join this union. */
export type Settings = MigrateSettings | BackupSettings | CheckSettings | RollbackSettings | PruneSettings;

/** Commands that make a backup. */
export type BackupMaking = MigrateSettings | BackupSettings;
