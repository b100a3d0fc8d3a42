import type { Problem } from '../system/errors.ts';
import type { Phase } from '../system/phase.ts';
import type { CheckReport } from './check-report.ts';
import type { RecoveryEvidence } from './recovery-evidence.ts';
import type { RollbackReport } from './rollback-report.ts';

export const commands = ['migrate', 'backup', 'check', 'rollback', 'drill', 'prune'] as const;
export type Command = (typeof commands)[number];

/** Results with which the job passes. */
export const passingResults = [
  'migrated',
  'up-to-date',
  'backed-up',
  'checked',
  'rolled-back',
  'drilled',
  'pruned',
] as const;
/** Results with which the job fails. */
export const failingResults = [
  'refused',
  'rehearsal-failed',
  'untouched',
  'restored',
  'stopped',
  'recovery-failed',
] as const;
export type Result = (typeof passingResults)[number] | (typeof failingResults)[number];

export type RecoveryMethod = 'none' | 'history' | 'swap' | 'in-place';
/** One way back from a failed migration, as preflight saw it. */
export interface RecoveryWay {
  readonly way: 'untouched' | 'history' | 'swap' | 'in-place';
  readonly open: boolean;
  /** Every reason why it is closed; its condition when it is open. */
  readonly because: readonly string[];
}
/** The way back that a pending migration leaves open should it fail; the swap always is one. */
export interface PendingWay {
  readonly migration: string;
  readonly way: 'history' | 'swap';
  readonly because: string;
}
type RestoreProved = 'true' | 'false' | 'could-not-verify';

export interface PhaseRecord {
  readonly phase: Phase;
  readonly status: 'done' | 'failed' | 'skipped';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** The line that the phase ended in, e.g. `109 MB of 1.4 GB, sha256 9f2c41d0…`. */
  readonly fact: string;
}

/** A failed migration, as far as the database, the history table and Prisma tell. */
export interface MigrationFailure {
  readonly migration: string;
  /** Path of its migration.sql relative to the repository's root, for annotations; null when unknown. */
  readonly file: string | null;
  /** 1-based line in that file; null when unknown. */
  readonly line: number | null;
  readonly sqlState: string | null;
  /** The database's message without DETAIL and CONTEXT (they carry row values). */
  readonly message: string;
}

/** Roles belong to the server, so no recovery of a database takes their changes back. */
export interface RoleChange {
  readonly role: string;
  readonly change: 'created' | 'dropped' | 'changed';
}

/** What one table holds in the failed database and not in the recovered target, or the other way round. */
export interface TableDifference {
  readonly schema: string;
  readonly table: string;
  /** Rows (by key) that only the failed database holds. */
  readonly onlyInFailed: number;
  /** Rows (by key) that both hold, with different values in the common columns. */
  readonly changed: number;
  /** Rows (by key) that only the recovered target holds: deleted after the backup. */
  readonly onlyInTarget: number;
  /** Key columns used; empty when the table has no key and whole rows were compared. */
  readonly key: readonly string[];
  /** Up to 20 keys of `onlyInFailed`, each as a JSON array of the key columns' text. */
  readonly sampleKeys: readonly string[];
}

export interface BackupLocation {
  /** e.g. `s3://bucket/prefix/db/backup_…`; never with credentials. */
  readonly url: string;
  readonly storage: 's3' | 'file' | 'artifact';
  readonly verified: string;
}

export interface BackupRecord {
  readonly id: string;
  readonly locations: readonly BackupLocation[];
  /** Size of the stored file, bytes. */
  readonly sizeBytes: number;
  /** SHA-256 of the stored file, lower-case hex. */
  readonly sha256: string;
  readonly restoreProved: RestoreProved;
  /** What opens the stored file; null when it is not encrypted. */
  readonly encryption: 'passphrase' | 'recipients' | null;
}

/** What the comparison of the restored copy with its source covered, and what it does not prove. */
export interface ProofRecord {
  /** Version of the list of what is compared; grows when more is. null: the backup's version had none. */
  readonly inventoryVersion: number | null;
  /** Objects compared, by kind. */
  readonly objects: Readonly<Record<string, number>>;
  readonly tables: number;
  readonly rows: number;
  /** What is not proved, each as a sentence that begins with the object. */
  readonly told: readonly string[];
}

/** A backup as storages hold it, and what retention says about it there, where it was asked. */
export interface StoredBackupRecord {
  readonly id: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly sizeBytes: number;
  readonly proved: boolean;
  readonly madeBy: 'migrate' | 'backup';
  /** How many migrations were applied in it; null when that was not known. */
  readonly appliedMigrations: number | null;
  readonly locations: readonly string[];
  /** null when retention was not applied: a rollback lists what there is, and removes nothing. */
  readonly retention: {
    readonly stays: boolean;
    /** Whether it is gone by now: with `dry-run` nothing is, and a removal may fail. */
    readonly removed: boolean;
    /** Why it stays or goes. */
    readonly reason: string;
  } | null;
}

export interface KeptDatabase {
  readonly name: string;
  readonly sizeBytes: number;
}

/** A problem or warning with the place where it arose. */
export interface ReportedProblem extends Omit<Problem, 'docs'> {
  readonly phase: Phase | null;
  /** Link to the page of docs/ that explains it. */
  readonly docs: string;
}

/** An earlier run on the same target that had ended without finishing, and what became of it. */
export interface EarlierRun {
  readonly run: string;
  readonly command: Command;
  /** How far it had come, by its journal. */
  readonly phase: string;
  /** When it had come there, by the server's clock; ISO 8601. */
  readonly at: string;
  readonly outcome: 'untouched' | 'migrated' | 'restored' | 'stopped' | 'recovery-failed';
  readonly fact: string;
}

/** Something to do next: a sentence, and commands that can be pasted as they are. */
export interface NextStep {
  readonly text: string;
  readonly commands: readonly string[];
}

/**
 * What a run did, as one value. Outputs, log, summary, comment, annotations and report.json are rendered
 * from it and from nothing else. Holds no secret and no value of the user's rows other than sample keys.
 */
export interface Report {
  readonly formatVersion: 1;
  readonly command: Command;
  readonly result: Result;
  readonly run: {
    readonly id: string;
    readonly startedAt: string;
    readonly finishedAt: string;
    /** Link to the workflow run; null outside GitHub Actions. */
    readonly url: string | null;
    readonly commit: string | null;
  };
  readonly target: {
    readonly database: string;
    readonly host: string;
    readonly port: number;
    /** e.g. `15.18`. */
    readonly serverVersion: string;
  } | null;
  readonly prismaVersion: string | null;
  readonly phases: readonly PhaseRecord[];
  /** Empty when preflight did not come to it, and for commands that migrate nothing. */
  readonly recoveryWays: readonly RecoveryWay[];
  /** For each pending migration, in their order; empty where nothing is migrated. */
  readonly pendingWays: readonly PendingWay[];
  readonly recoveryMethod: RecoveryMethod;
  /** From the decision to recover until the target was back; null when nothing was recovered. */
  readonly recoverySeconds: number | null;
  /** Of the run's own recovery, or of the earlier run that it finished; null: nothing had to be decided, or nothing could be read. */
  readonly recovery: { readonly evidence: RecoveryEvidence } | null;
  readonly backup: BackupRecord | null;
  /** null when nothing was restored and compared. */
  readonly proof: ProofRecord | null;
  readonly pendingMigrations: readonly string[];
  readonly appliedMigrations: readonly string[];
  readonly failure: MigrationFailure | null;
  readonly failedDatabase: string | null;
  readonly dataLoss: readonly {
    readonly migration: string;
    readonly statement: string;
    readonly object: string;
  }[];
  readonly drift: 'true' | 'false' | 'unknown';
  /** What `check` found; null for other commands. */
  readonly check: CheckReport | null;
  /** What `rollback` takes back; null for other commands. */
  readonly rollback: RollbackReport | null;
  /** Tables that had moved on between the snapshot and the migration; null when it was not looked at. */
  readonly writesBeforeMigration: readonly string[] | null;
  /** Differences between failed database and recovered target; null when it was not looked at. */
  readonly newWrites: readonly TableDifference[] | null;
  /** After a recovery: what became of the server's roles while the migration ran. They are as they were left. */
  readonly roleChanges: readonly RoleChange[];
  readonly keptDatabases: readonly KeptDatabase[];
  /** What the storages held when retention was applied or a backup was looked for, newest first; null when neither was. */
  readonly storedBackups: readonly StoredBackupRecord[] | null;
  /** What this run found of an earlier one and finished; null when there was none. */
  readonly earlierRun: EarlierRun | null;
  /** Everything that failed, the first being the reason of the result. */
  readonly problems: readonly ReportedProblem[];
  readonly warnings: readonly string[];
  readonly nextSteps: readonly NextStep[];
}

/** A check passes or fails by its findings and `fail-on`; everything else by its result. */
export function jobPasses(report: Pick<Report, 'result' | 'check'>): boolean {
  if (report.check !== null) return !report.check.fails;
  return (passingResults as readonly Result[]).includes(report.result);
}
