import { z } from 'zod';
import type { ExchangePort, TargetPort, WorkPort } from '../../database/database.ts';
import type { Journal } from '../../database/journal.ts';
import { mayForgeHistory } from '../../lint/history-reach.ts';
import { readHistory } from '../../prisma/history.ts';
import type { HistoryRow, Migrator } from '../../prisma/migrator.ts';
import { decideUnfinished, type UnfinishedDecision } from '../../recovery/finish/decide-unfinished.ts';
import { scriptsAtHand, unknownDeploy } from '../../recovery/finish/recover-unfinished.ts';
import { quietMigrator } from '../../recovery/quiet/quiet-migrator.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';

/** What is left of that run's migrator is ended first: it may still be finishing a statement. */
export async function lookAtEarlierRun(
  {
    database,
    migrator,
  }: { readonly database: TargetPort & ExchangePort & WorkPort; readonly migrator: Migrator | null },
  journal: Journal,
  log: PhaseLog,
): Promise<UnfinishedDecision> {
  const scripts = scriptsAtHand(migrator, journal).map(({ script }) => script);
  if (journal.command === 'rollback') {
    // There may be no target that could be asked anything, and nothing but its OID matters.
    const targetOid = await database.oidOf(database.address.database);
    return decideUnfinished(journal, { targetOid, history: null, ageSeconds: 0, mayForgeHistory: false });
  }
  if (journal.phase === 'stopped' || journal.phase === 'recovery-failed') {
    const targetOid = await database.oidOf(database.address.database);
    return decideUnfinished(journal, {
      targetOid,
      history: 'unreadable',
      ageSeconds: 0,
      mayForgeHistory: false,
    });
  }
  if (database.unreachable !== null) {
    return { way: 'stop', because: `the target cannot be connected to: ${database.unreachable.because}` };
  }
  if (journal.baseline !== null && (journal.phase === 'migrate' || journal.phase === 'recover')) {
    const since = journal.baseline.serverTime;
    const own = { deployed: unknownDeploy, run: journal.run, since, scripts };
    const { foreignDeploy, stillWorking } = await quietMigrator(database, own, log);
    if (stillWorking !== null) throw stillAtWork(database, stillWorking);
    if (foreignDeploy) throw somebodyDeploys(database);
  }
  const [age] = await database.query(
    `SELECT extract(epoch FROM clock_timestamp() - '${journal.at}'::timestamptz)::float8 AS "seconds"`,
    z.object({ seconds: z.number() }),
  );
  return decideUnfinished(journal, {
    targetOid: await database.oidOf(database.address.database),
    history: await historyOf(database, journal),
    ageSeconds: age?.seconds ?? Number.POSITIVE_INFINITY,
    mayForgeHistory: mayForgeHistory(scripts),
  });
}

/** It may be that run's own, which nobody can prove: what it is about to do must be seen before anything is decided. */
function somebodyDeploys(database: TargetPort): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_LOCKED',
    message: `A session in ${database.address.database} holds Prisma's lock: a deploy is at work, while an earlier run is unfinished.`,
    hint: 'Run this job again when that deploy has ended. If it hangs, end its session: see pg_locks, locktype advisory, objid 72707369.',
    docs: 'recovery.md',
  });
}

function stillAtWork(database: TargetPort, because: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_LOCKED',
    message: `An earlier run on ${database.address.database} is unfinished, and something of it is at work: ${because}.`,
    hint: 'End it (SELECT pg_terminate_backend(…), as a role that may), then run this job again.',
    docs: 'recovery.md',
  });
}

/** What stands in the history now, if it can be read. */
export async function historyOf(
  database: TargetPort,
  journal: Journal,
): Promise<readonly HistoryRow[] | 'unreadable' | null> {
  try {
    return await readHistory(database, journal.historySchema);
  } catch (error) {
    if (!(error instanceof SafeMigrateError) || error.code !== 'SM_SQL') throw error;
    return 'unreadable';
  }
}
