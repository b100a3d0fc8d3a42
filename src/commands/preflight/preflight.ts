import type { Database, RunLock, TargetFacts } from '../../database/database.ts';
import type { HistoryRow, Migrator } from '../../prisma/migrator.ts';
import type { MigrationPlan } from '../../prisma/plan.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { clearIdleCoordination, dropOrphans, finishEarlier } from '../earlier-run/earlier-run.ts';
import type { CommandContext } from '../shared/context.ts';
import { interruptible } from '../shared/interruptible.ts';
import { openStorages } from '../shared/open-storages.ts';
import type { BackupMaking } from '../shared/settings.ts';
import { takeLock } from '../shared/take-lock.ts';
import { lookAtClock } from './look-at-clock.ts';
import { lookAtConnections } from './look-at-connections.ts';
import { lookAtDeploys } from './look-at-deploys.ts';
import { lookAtHistory } from './look-at-history.ts';
import { lookAtLeftovers } from './look-at-leftovers.ts';
import { lookAtProject } from './look-at-project.ts';
import { lookAtServer } from './look-at-server.ts';
import { lookAtStorages } from './look-at-storages.ts';
import { lookAtTarget } from './look-at-target.ts';
import { ProblemList } from './problem-list.ts';
import { tellPendingWays } from './tell-pending-ways.ts';

/** Everything a story needs to begin, looked at and found fit. */
export interface Ready extends AsyncDisposable {
  readonly database: Database;
  /** null when there is nothing to do, so that nothing has to be locked. */
  readonly lock: RunLock | null;
  /** null only for `backup` of a database whose Prisma project is not at hand. */
  readonly migrator: Migrator | null;
  readonly storages: readonly Storage[];
  readonly facts: TargetFacts;
  /** As many as were asked for, or as the connections that are left allow. */
  readonly jobs: number;
  /** Rows of `_prisma_migrations`; null when there is no such table. */
  readonly history: readonly HistoryRow[] | null;
  readonly pending: readonly string[];
}

/**
 * Looks at everything before anything is touched and refuses with all reasons at once.
 * What is returned is the caller's to dispose of; on refusal nothing stays open.
 */
export async function preflight(
  context: CommandContext,
  settings: BackupMaking,
  log: PhaseLog,
): Promise<Ready> {
  const problems = new ProblemList();
  const storages = openStorages(context, settings);
  const migrator = await problems.attempt(() => lookAtProject(context, settings, log));
  const database = await openDatabase(context, settings, migrator, problems);
  if (database === null) {
    await lookAtStorages(context, storages, 0, problems, log);
    return problems.refuse();
  }
  let lock: RunLock | null = null;
  try {
    context.report.target({ ...database.address, serverVersion: database.server.text });
    for (const warning of database.toolsWarnings) log.warn(warning);
    // Before anything is looked at: it may put another database in the target's place.
    lock = await finishEarlier(context, settings, { database, migrator, storages }, log);
    return await interruptible(context.signal, database, async () => {
      const facts = await lookAtTarget(context, settings, database, problems, log);
      await lookAtStorages(context, storages, facts.sizeBytes, problems, log);
      await lookAtLeftovers(context, database, log);
      if (settings.command === 'migrate') await lookAtDeploys(database, log);
      lookAtClock(facts.serverTime, new Date(), log);
      const { jobs, problems: crowded } = lookAtConnections(facts.connections, settings.jobs, log);
      problems.add(crowded);
      // Which needs connections of its own.
      if (migrator !== null && crowded.length === 0) {
        await problems.attempt(() => lookAtServer(context, settings, database, migrator, log));
      }
      const before = await lookAtHistory(database, migrator);
      const found = { database, migrator, storages, facts, jobs };
      if (lock === null && isUpToDate(settings, before) && problems.isEmpty) {
        await clearIdleCoordination(context, database, log);
        return ready({ ...found, ...before, lock });
      }
      problems.refuseIfAny();

      lock ??= await takeLock(context, database);
      // Read again: whoever held the lock until now may have migrated.
      const plan = await lookAtHistory(database, migrator);
      if (settings.command === 'migrate') problems.add(plan.problems);
      problems.refuseIfAny();
      for (const warning of plan.warnings) log.warn(warning);
      await context.ports.loadParser();
      if (settings.command === 'migrate') {
        if (migrator !== null) await tellPendingWays(context, settings, { ...found, ...plan, migrator }, log);
        await dropOrphans(database, log);
      }
      return ready({ ...found, ...plan, lock });
    });
  } catch (error) {
    await lock?.[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/** null when there is none: Prisma's own refusal, which would have named the URL, is among the problems then. */
async function openDatabase(
  context: CommandContext,
  settings: BackupMaking,
  migrator: Migrator | null,
  problems: ProblemList,
): Promise<Database | null> {
  const url = settings.databaseUrl ?? migrator?.url ?? null;
  if (url === null) return null;
  return await problems.attempt(() => context.ports.openDatabase(url, settings));
}

function ready({
  database,
  lock,
  migrator,
  storages,
  facts,
  jobs,
  history,
  pending,
}: Omit<Ready, typeof Symbol.asyncDispose>): Ready {
  return {
    database,
    lock,
    migrator,
    storages,
    facts,
    jobs,
    history,
    pending,
    async [Symbol.asyncDispose]() {
      await lock?.[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function isUpToDate(settings: BackupMaking, plan: MigrationPlan): boolean {
  return settings.command === 'migrate' && plan.problems.length === 0 && plan.pending.length === 0;
}

/** One line for the log's phase line. */
export function preflightFact(ready: Ready): string {
  const { facts, database } = ready;
  const creates = facts.mayCreateDatabases ? 'may create databases' : 'may not create databases';
  return `${formatBytes(facts.sizeBytes)}, ${facts.tableCount} tables; ${creates}; ${database.toolsFact}`;
}
