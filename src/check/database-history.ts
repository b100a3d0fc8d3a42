import { baselineAdvice } from '../prisma/baseline.ts';
import type { HistoryRow } from '../prisma/migrator.ts';
import type { Finding } from '../report/check-report.ts';
import type { MigrationFolder } from './migration-folder.ts';

interface DatabaseHistory {
  readonly findings: readonly Finding[];
  /** Names that `migrate deploy` would apply, in its order. */
  readonly pending: readonly string[];
  /** Names that are applied, in the order of the files. */
  readonly applied: readonly string[];
}

/**
 * What `_prisma_migrations` says about these migrations, including what `prisma migrate status` does not tell: it
 * lets pending ones hide failed ones and calls a database that is ahead of its files up to date.
 * `rows` null: there is no such table. `ahead`: names that the base branch holds and this one may just not have yet.
 */
export function compareWithDatabase(
  folders: readonly MigrationFolder[],
  rows: readonly HistoryRow[] | null,
  options: { readonly unmanaged: readonly string[]; readonly ahead: ReadonlySet<string> },
): DatabaseHistory {
  const inForce = (rows ?? []).filter((row) => row.rolledBackAt === null);
  const known = new Set(inForce.map((row) => row.migrationName));
  const finished = new Set(inForce.filter((row) => row.finishedAt !== null).map((row) => row.migrationName));
  const pending = folders.filter((folder) => !known.has(folder.name));
  return {
    findings: [
      ...(options.unmanaged.length > 0 ? [notBaselined(options.unmanaged, folders)] : []),
      ...inForce.filter((row) => row.finishedAt === null).map((row) => failedRow(row, folders)),
      ...folders.flatMap((folder) => editedSince(folder, inForce)),
      ...aheadOfFiles(folders, finished, options.ahead),
      ...rolledBack(folders, rows ?? [], known),
      ...outOfOrder(folders, finished),
    ],
    pending: pending.map((folder) => folder.name),
    applied: folders.filter((folder) => finished.has(folder.name)).map((folder) => folder.name),
  };
}

function notBaselined(tables: readonly string[], folders: readonly MigrationFolder[]): Finding {
  const advice = baselineAdvice(tables, folders[0]?.name ?? '0_init');
  return { severity: 'error', code: 'SM_NOT_BASELINED', ...advice, file: null, line: null };
}

function failedRow(row: HistoryRow, folders: readonly MigrationFolder[]): Finding {
  return {
    severity: 'error',
    code: 'SM_HISTORY_FAILED',
    message: `migration ${row.migrationName} failed or was interrupted in the database (started ${row.startedAt}) and was never resolved; no further one can be deployed`,
    hint: `See what it left in the database, then npx prisma migrate resolve --rolled-back ${JSON.stringify(row.migrationName)}, or --applied if you completed it by hand.`,
    file: folders.find((folder) => folder.name === row.migrationName)?.file ?? null,
    line: 1,
  };
}

function editedSince(folder: MigrationFolder, rows: readonly HistoryRow[]): readonly Finding[] {
  const applied = rows.filter((row) => row.migrationName === folder.name && row.finishedAt !== null);
  if (folder.script === null || applied.length === 0) return [];
  if (applied.some((row) => folder.checksums.includes(row.checksum))) return [];
  return [
    {
      severity: 'error',
      code: 'SM_HISTORY_EDITED',
      message: `migration ${folder.name} was edited after it had been applied to the database`,
      hint: 'Restore its migration.sql from version control and put the change into a new migration.',
      file: folder.file,
      line: 1,
    },
  ];
}

function aheadOfFiles(
  folders: readonly MigrationFolder[],
  finished: ReadonlySet<string>,
  ahead: ReadonlySet<string>,
): readonly Finding[] {
  const onDisk = new Set(folders.map((folder) => folder.name));
  return [...finished]
    .filter((name) => !onDisk.has(name))
    .map((name): Finding => {
      const isBehind = ahead.has(name);
      return {
        severity: isBehind ? 'warning' : 'error',
        code: 'SM_HISTORY_MISSING',
        message: `migration ${name} is applied to the database and is not among the files`,
        hint: isBehind
          ? 'The base branch holds it: bring this branch up to date.'
          : 'Restore its folder from version control; prisma migrate status calls this up to date.',
        file: null,
        line: null,
      };
    });
}

function rolledBack(
  folders: readonly MigrationFolder[],
  rows: readonly HistoryRow[],
  known: ReadonlySet<string>,
): readonly Finding[] {
  const names = new Set(rows.filter((row) => row.rolledBackAt !== null).map((row) => row.migrationName));
  return folders
    .filter((folder) => names.has(folder.name) && !known.has(folder.name))
    .map((folder) => ({
      severity: 'warning',
      code: 'SM_HISTORY_ROLLED_BACK',
      message: `migration ${folder.name} was marked as rolled back in the database and not applied since; the next deploy runs it again`,
      hint: 'Make sure that its script is corrected by now.',
      file: folder.file,
      line: 1,
    }));
}

function outOfOrder(folders: readonly MigrationFolder[], finished: ReadonlySet<string>): readonly Finding[] {
  const last = folders.findLastIndex((folder) => finished.has(folder.name));
  return folders
    .slice(0, Math.max(0, last))
    .filter((folder) => !finished.has(folder.name))
    .map((folder) => ({
      severity: 'warning',
      code: 'SM_MIGRATION_ORDER',
      message: `migration ${folder.name} sorts before ${folders[last]?.name ?? ''}, which is applied already`,
      hint: 'It runs in another order than on a new database. Unless that is meant, make it anew with a later timestamp.',
      file: folder.file,
      line: 1,
    }));
}
