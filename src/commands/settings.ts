import type { Encryption } from '../backup/encryption.ts';
import type { StorageUrl } from '../storage/storage-url.ts';
import type { Secret } from '../system/secret.ts';

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
  /** All different, in the order given; at least one. */
  readonly storages: readonly [StorageUrl, ...StorageUrl[]];
  /** null: backups are stored as they are. */
  readonly encryption: Encryption | null;
  /** Parallel sessions, 1 to 16. */
  readonly jobs: number;
  /** Last part of the backup id; null: the command chooses it. */
  readonly label: string | null;
  /** `restore`: restored beside and compared. `archive`: length, digest and a full read only. */
  readonly verify: 'restore' | 'archive';
}

export interface MigrateSettings extends BackupMakingSettings {
  readonly command: 'migrate';
  /** `auto`: the least destructive way that is proved to be enough. `swap`: always the restored backup. */
  readonly recovery: 'auto' | 'swap';
  readonly onNewWrites: 'restore' | 'stop';
  /** Longest time for the migration; then it is ended, and the target comes back. */
  readonly migrationTimeoutMs: number;
  /** How many kept failed databases stay after a confirmed migration. */
  readonly keepFailed: number;
}

/** `check` makes no backup and takes no lock. */
export interface CheckSettings
  extends Pick<BackupMakingSettings, 'databaseUrl' | 'workingDirectory' | 'prismaSchema' | 'prismaConfig'> {
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

/** What the user asked for, by command. Later commands join this union. */
export type Settings = MigrateSettings | BackupSettings | CheckSettings;

/** Commands that make a backup. */
export type BackupMaking = MigrateSettings | BackupSettings;
