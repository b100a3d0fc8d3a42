/** What `check` found, part by part. JSON-safe; holds no secret and no value of anybody's rows. */

const severities = ['error', 'warning', 'notice'] as const;
export type Severity = (typeof severities)[number];

export interface Finding {
  readonly severity: Severity;
  /** Stable, documented in docs/errors.md. */
  readonly code: `SM_${string}`;
  readonly message: string;
  readonly hint: string;
  /** Relative to the repository's root; null when it belongs to no file. */
  readonly file: string | null;
  /** 1-based; null when it belongs to no line. */
  readonly line: number | null;
}

export const checkPartNames = ['history', 'pending', 'schema', 'drift'] as const;
type CheckPartName = (typeof checkPartNames)[number];

/** One part of a check: what it found, and what it could not look at and why. */
export interface CheckPart {
  readonly name: CheckPartName;
  /** One line for people: what was looked at and what came out. */
  readonly fact: string;
  readonly findings: readonly Finding[];
  /** Each a whole sentence: `The database was not looked at, because …`. Empty when everything was looked at. */
  readonly notChecked: readonly string[];
}

/** A statement of a pending migration that destroys data, or of which nobody can tell. */
export interface DestructiveStatement {
  /** false when what it does cannot be known from the script. */
  readonly isCertain: boolean;
  /** What it does, e.g. `drops the column`. */
  readonly action: string;
  /** e.g. `"Customer"."name"`. */
  readonly object: string;
  /** 1-based line of the script. */
  readonly line: number;
  readonly statement: string;
}

export interface PendingMigration {
  readonly name: string;
  /** Of its migration.sql, relative to the repository's root. */
  readonly file: string;
  readonly script: string;
  /** Empty when it destroys nothing that can be seen in the script. */
  readonly destructive: readonly DestructiveStatement[];
  /** false when the script is no SQL to PostgreSQL's parser, so nothing is known about it. */
  readonly isReadable: boolean;
}

/** How the database differs from its applied migrations. */
export interface DriftReport {
  /** Objects that differ, each as a sentence. */
  readonly differences: readonly string[];
  /**
   * SQL that takes the database back to what its migrations say, known to work on a copy of the schema; empty when there
   * is nothing to script.
   */
  readonly reconcileSql: string;
  /** What still differs after it, each with what to do. */
  readonly byHand: readonly string[];
}

/** With what a person has to know before running the SQL. */
export interface ToldDrift extends DriftReport {
  readonly destructive: readonly DestructiveStatement[];
}

/** What a check looks at: one comment each. */
export interface CheckSubject {
  /** Folder of the project relative to the repository's root, `.` for the root itself. */
  readonly project: string;
  /** As the inputs name them, relative to the repository's root; null when Prisma finds them by itself. */
  readonly schema: string | null;
  readonly config: string | null;
  /** Where the URL leads; null when this job has none. */
  readonly database: { readonly host: string; readonly port: number; readonly name: string } | null;
}

export interface CheckReport {
  /** Whether findings fail the job, by `fail-on`. */
  readonly fails: boolean;
  readonly subject: CheckSubject;
  readonly parts: readonly CheckPart[];
  readonly pending: readonly PendingMigration[];
  /** Whether the pull request touches the schema or the migrations at all; null outside of a pull request. */
  readonly changesDatabase: boolean | null;
  /** SQL of the migration that is missing for schema.prisma; null when none is, or it was not looked at. */
  readonly missingMigrationSql: string | null;
  readonly drift: ToldDrift | null;
  /** What `prisma migrate status` says itself; null when it was not run. */
  readonly prismaStatus: string | null;
}

/** All findings, the worst first, otherwise in the order of the parts. */
export function findingsOf(check: Pick<CheckReport, 'parts'>): readonly Finding[] {
  const all = check.parts.flatMap((part) => part.findings);
  return severities.flatMap((severity) => all.filter((finding) => finding.severity === severity));
}
