import type { Fingerprint, TableContent } from '../../database/database.ts';
import { formOfFingerprint } from '../../database/row-digest.ts';
import type { RollbackReport, TableBeforeRollback } from '../../report/rollback-report.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import type { RollbackReady } from './preflight.ts';

/** What the target has and the backup has not. Reads history only; see `withTables` for the rows. */
export function takenBack({
  backup,
  opened,
  history,
}: Pick<RollbackReady, 'backup' | 'opened' | 'history'>): RollbackReport {
  const { manifest } = backup;
  const known = new Set(opened?.details.prisma?.appliedMigrations.map(({ name }) => name));
  return {
    backupId: backup.id,
    backupTakenAt: manifest.createdAt,
    commit: manifest.gitCommit,
    migrations:
      history
        ?.filter((row) => row.rolledBackAt === null && !known.has(row.migrationName))
        .map((row) => row.migrationName) ?? null,
    tables: null,
  };
}

/** The same with every table counted and hashed, in one snapshot; changes nothing. */
export async function withTables(
  context: CommandContext,
  ready: RollbackReady,
  jobs: number,
  report: RollbackReport,
  log: PhaseLog,
): Promise<RollbackReport> {
  const { opened } = ready;
  if (ready.database.unreachable !== null || opened === null) return report;
  let progress: string | undefined;
  log.progress(() => progress);
  try {
    await using snapshot = await ready.database.openSnapshot();
    const now = await snapshot.fingerprint(jobs, context.signal, (done, all) => {
      progress = `${done} of ${all} tables read`;
    });
    return { ...report, tables: differingTables(now, opened.details.fingerprint) };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof SafeMigrateError)) throw error;
    log.warn(`the rows of the target cannot be counted: ${messageOf(error)}`);
    return report;
  }
}

/** Tables whose rows are others; by number only where the contents cannot be compared. */
function differingTables(now: Fingerprint, backup: Fingerprint): readonly TableBeforeRollback[] {
  const comparable =
    now.serverMajor === backup.serverMajor && formOfFingerprint(now) === formOfFingerprint(backup);
  const key = ({ schema, table }: TableContent): string => JSON.stringify([schema, table]);
  const [before, after] = [backup.tables, now.tables].map(
    (list) => new Map(list.map((each) => [key(each), each])),
  );
  const all = new Map([...(before ?? []), ...(after ?? [])]);
  return [...all].flatMap(([name, { schema, table }]) => {
    const [there, here] = [before?.get(name), after?.get(name)];
    const isSame = there?.rows === here?.rows && (!comparable || there?.digest === here?.digest);
    if (isSame) return [];
    return [{ schema, table, rowsNow: here?.rows ?? null, rowsInBackup: there?.rows ?? null }];
  });
}
