import { compareBranches } from '../../check/branch-history.ts';
import { compareWithDatabase } from '../../check/database-history.ts';
import { folderFindings, type MigrationFolder, readFolders } from '../../check/migration-folder.ts';
import type { TargetPort } from '../../database/database.ts';
import { type OwnTables, tablesWithoutHistory } from '../../prisma/baseline.ts';
import { readHistory } from '../../prisma/history.ts';
import type { HistoryRow } from '../../prisma/migrator.ts';
import type { CheckPart, Finding } from '../../report/check-report.ts';
import { countOf } from '../../report/quantity.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { asFinding } from './as-finding.ts';
import type { CheckGround } from './check-ground.ts';

export interface HistorySight {
  readonly part: CheckPart;
  readonly folders: readonly MigrationFolder[];
  /** Rows of `_prisma_migrations`; null when there is no such table or it was not looked at. */
  readonly rows: readonly HistoryRow[] | null;
  /** What a deploy would apply, by the database or else by the base branch; null when neither is known. */
  readonly pending: readonly string[] | null;
  /** What the database has applied; null when it was not looked at. */
  readonly applied: readonly string[] | null;
}

/** Part 1: the migrations against the base branch by git and against the database by checksum. */
export async function lookAtHistory(ground: CheckGround): Promise<HistorySight> {
  const { project, base, database, fileOf } = ground;
  const folders = readFolders(project, project.migrationNames, fileOf);
  const branch =
    base.value === null
      ? null
      : compareBranches(base.value.base, base.value.head, {
          isMerged: base.value.isMerged,
          tip: base.value.tip,
          folder: fileOf(project.migrationsDirectory),
        });
  const read = database.value === null ? null : await readDatabase(database.value, project);
  const rows = read?.rows ?? null;
  const byDatabase =
    read === null || read.problem !== null
      ? null
      : compareWithDatabase(folders, rows, {
          unmanaged: read.unmanaged,
          ahead: branch?.ahead ?? new Set(),
        });
  const isNew = (name: string) => branch?.added.includes(name) ?? byDatabase?.pending.includes(name) ?? true;
  const findings = [
    ...ground.findings,
    ...(read?.problem == null ? [] : [asFinding(read.problem)]),
    ...(byDatabase?.findings ?? []),
    ...(branch?.findings ?? []),
    ...folderFindings(folders, isNew),
  ];
  const notChecked = [
    ...[base, database].flatMap((sight) => (sight.value === null ? [sight.because] : [])),
    ...(read?.problem == null ? [] : [`The migration history could not be read: ${read.problem.message}`]),
  ];
  return {
    part: {
      name: 'history',
      fact: factOf(folders, byDatabase, findings),
      findings: withoutTwins(findings),
      notChecked,
    },
    folders,
    rows,
    pending: byDatabase?.pending ?? branch?.added ?? null,
    applied: byDatabase?.applied ?? null,
  };
}

/** A role that may not read the history is told so; the other parts go on. */
async function readDatabase(
  database: TargetPort,
  { historySchema, ownTables }: { readonly historySchema: string; readonly ownTables: OwnTables },
) {
  try {
    const rows = await readHistory(database, historySchema);
    const unmanaged = rows === null ? await tablesWithoutHistory(database, historySchema, ownTables) : [];
    return { rows, unmanaged, problem: null };
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    return { rows: null, unmanaged: [], problem: error };
  }
}

function factOf(
  folders: readonly MigrationFolder[],
  byDatabase: { readonly applied: readonly string[] } | null,
  findings: readonly Finding[],
): string {
  const applied = byDatabase === null ? '' : `, ${byDatabase.applied.length} applied to the database`;
  return `${countOf(folders.length, 'migration')}${applied}; ${countOf(findings.length, 'finding')}`;
}

/** The same thing seen by git and by the database is one finding: the database's, which comes first. */
function withoutTwins(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const name = /migration (\S+)/.exec(finding.message)?.[1];
    const key = name === undefined ? finding.message : `${finding.code} ${name}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
