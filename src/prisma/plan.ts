import { mayForgeHistory } from '../lint/history-reach.ts';
import type { Problem } from '../system/errors.ts';
import { baselineAdvice } from './baseline.ts';
import type { DeployResult, HistoryRow, MigrationFile } from './migrator.ts';

export interface MigrationPlan {
  /** Names that `migrate deploy` will apply, in its order. */
  readonly pending: readonly string[];
  /** What forbids to go on; `migrate deploy` itself says nothing about most of it. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/**
 * What `migrate deploy` would do with these files and this history (null: there is no `_prisma_migrations`).
 * `unmanaged`: tables that are there without a history (baseline.ts).
 */
export function planMigrations(
  files: readonly MigrationFile[],
  history: readonly HistoryRow[] | null,
  options: { readonly unmanaged?: readonly string[] } = {},
): MigrationPlan {
  const rows = (history ?? []).filter((row) => row.rolledBackAt === null);
  const known = new Set(rows.map((row) => row.migrationName));
  const pending = files.filter((file) => !known.has(file.name));
  const problems = [
    ...(options.unmanaged === undefined || options.unmanaged.length === 0
      ? []
      : [notBaselined(options.unmanaged, files)]),
    ...rows.filter((row) => row.finishedAt === null).map(failedBefore),
    ...editedMigrations(files, rows),
    ...missingMigrations(files, rows),
    ...pending.filter((file) => file.script.trim() === '').map(emptyScript),
    ...pending.flatMap(flawed),
  ];
  return { pending: pending.map((file) => file.name), problems, warnings: outOfOrder(files, known) };
}

function failedBefore(row: HistoryRow): Problem {
  const name = JSON.stringify(row.migrationName);
  return {
    code: 'SM_HISTORY_FAILED',
    message: `migration ${row.migrationName} failed or was interrupted earlier (started ${row.startedAt}) and was never resolved`,
    hint: `See what it left in the database. If nothing: npx prisma migrate resolve --rolled-back ${name}. If you completed it by hand: npx prisma migrate resolve --applied ${name}. Then run again.`,
  };
}

function editedMigrations(files: readonly MigrationFile[], rows: readonly HistoryRow[]): readonly Problem[] {
  return files.flatMap((file) => {
    const applied = rows.filter((row) => row.migrationName === file.name && row.finishedAt !== null);
    if (applied.length === 0 || applied.some((row) => file.checksums.includes(row.checksum))) return [];
    return {
      code: 'SM_HISTORY_EDITED',
      message: `migration ${file.name} was edited after it had been applied`,
      hint: 'Restore its migration.sql from version control and put the change into a new migration.',
    };
  });
}

function missingMigrations(files: readonly MigrationFile[], rows: readonly HistoryRow[]): readonly Problem[] {
  const onDisk = new Set(files.map((file) => file.name));
  const applied = new Set(rows.filter((row) => row.finishedAt !== null).map((row) => row.migrationName));
  const missing = [...applied].filter((name) => !onDisk.has(name));
  return missing.map((name) => ({
    code: 'SM_HISTORY_MISSING',
    message: `migration ${name} was applied to this database, but is not among the files`,
    hint: `Deploy a commit that holds it, or restore its folder from version control. If it was squashed on purpose, say so in the history: UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '${name.replaceAll("'", "''")}';`,
  }));
}

function emptyScript(file: MigrationFile): Problem {
  return {
    code: 'SM_MIGRATION_UNREADABLE',
    message: `the migration.sql of pending migration ${file.name} is empty`,
    hint: 'Restore the file from version control; when nothing is meant to happen, write a comment into it.',
  };
}

function flawed({ name, flaw }: MigrationFile): readonly Problem[] {
  if (flaw === undefined) return [];
  return [
    {
      code: 'SM_MIGRATION_UNREADABLE',
      message: `the migration.sql of pending migration ${name} ${flaw.message}`,
      hint: flaw.hint,
    },
  ];
}

function notBaselined(tables: readonly string[], files: readonly MigrationFile[]): Problem {
  return { code: 'SM_NOT_BASELINED', ...baselineAdvice(tables, files[0]?.name ?? '0_init') };
}

/** Merged branches: Prisma applies them all the same, but in another order than on a fresh database. */
function outOfOrder(files: readonly MigrationFile[], known: ReadonlySet<string>): readonly string[] {
  const lastApplied = files.findLastIndex((file) => known.has(file.name));
  return files
    .slice(0, Math.max(0, lastApplied))
    .filter((file) => !known.has(file.name))
    .map(
      (file) =>
        `pending migration ${file.name} sorts before ${files[lastApplied]?.name ?? ''}, which is applied already`,
    );
}

export interface DeployVerdict {
  /** Migrations of this run that the history now says are applied, with the script that is on disk. */
  readonly applied: readonly string[];
  /** Rows that this run left unfinished. */
  readonly failed: readonly HistoryRow[];
  /** Migrations of this run that were not begun. */
  readonly untouched: readonly string[];
  /** Every migration of this run is applied. */
  readonly isComplete: boolean;
}

/**
 * What happened to the migrations of this run (`pending`), from the history before and after. That the migrator says all is
 * well has no say (it has been seen to exit with 0 when the engine had died); that it says a script failed does, and where it
 * did not end well, so does what the scripts could have written into the history themselves.
 */
export function judge(
  before: readonly HistoryRow[] | null,
  after: readonly HistoryRow[] | null,
  files: readonly MigrationFile[],
  pending: readonly string[],
  deployed: Pick<DeployResult, 'exitCode' | 'errorCode'>,
): DeployVerdict {
  const known = new Set((before ?? []).map((row) => row.id));
  const rows = (after ?? []).filter((row) => !known.has(row.id) && row.rolledBackAt === null);
  const ours = files.filter((file) => pending.includes(file.name));
  const checksums = new Map(ours.map((file) => [file.name, file.checksums]));
  const applied = pending.filter((name) =>
    rows.some(
      (row) =>
        row.migrationName === name &&
        row.finishedAt !== null &&
        (checksums.get(name)?.includes(row.checksum) ?? false),
    ),
  );
  const begun = new Set(rows.map((row) => row.migrationName));
  const failed = rows.filter((row) => row.finishedAt === null);
  const isBelievable =
    failed.length === 0 &&
    deployed.errorCode !== 'P3018' &&
    (deployed.exitCode === 0 || !mayForgeHistory(ours.map(({ script }) => script)));
  return {
    applied,
    failed,
    untouched: pending.filter((name) => !begun.has(name)),
    isComplete: isBelievable && applied.length === pending.length,
  };
}
