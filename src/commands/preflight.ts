import type { Database, Obstacle, RunLock, TargetFacts } from '../database/database.ts';
import { needsBaseline, readHistory } from '../prisma/history.ts';
import type { HistoryRow, Migrator } from '../prisma/migrator.ts';
import { type MigrationPlan, planMigrations } from '../prisma/plan.ts';
import { proveServer } from '../prisma/server-proof.ts';
import { formatBytes } from '../report/quantity.ts';
import type { PhaseLog } from '../report/run-log.ts';
import type { Storage } from '../storage/storage.ts';
import { type Problem, problemsOf, RefusedError, SafeMigrateError } from '../system/errors.ts';
import type { CommandContext } from './context.ts';
import { dropOrphans, finishEarlier } from './earlier-run.ts';
import { interruptible } from './interruptible.ts';
import type { BackupMaking } from './settings.ts';

/** For how long the storages' credentials should last: what is not data, and dump, proof and upload at a slow 20 MB/s. */
const baseMinutes = 15;
const bytesPerMinute = 20e6 * 60;

/** Everything a story needs to begin, looked at and found fit. */
export interface Ready extends AsyncDisposable {
  readonly database: Database;
  /** null when there is nothing to do, so that nothing has to be locked. */
  readonly lock: RunLock | null;
  /** null only for `backup` of a database whose Prisma project is not at hand. */
  readonly migrator: Migrator | null;
  readonly storages: readonly Storage[];
  readonly facts: TargetFacts;
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
  const problems: Problem[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SafeMigrateError)) throw error;
      problems.push(...problemsOf(error));
      return null;
    }
  };

  const storages = settings.storages.map((url) => context.ports.openStorage(url));
  const checkStorages = (sizeBytes: number) =>
    Promise.all(storages.map((storage) => attempt(() => checkStorage(storage, sizeBytes, context, log))));
  const migrator = await attempt(() => openMigrator(context, settings, log));
  const url = settings.databaseUrl ?? migrator?.url ?? null;
  const database =
    url === null ? null : await attempt(() => context.ports.openDatabase(url, settings.workingDirectory));
  if (database === null) {
    // Without a URL Prisma's own refusal is among the problems already.
    await checkStorages(0);
    throw new RefusedError(problems, { phase: 'preflight' });
  }
  let lock: RunLock | null = null;
  try {
    context.report.target({ ...database.address, serverVersion: database.server.text });
    for (const warning of database.toolsWarnings) log.warn(warning);
    // Before anything is looked at: it may put another database in the target's place.
    lock = await finishEarlier(context, settings, { database, migrator, storages }, log);
    return await interruptible(context.signal, database, async () => {
      const facts = await database.inspect();
      problems.push(...facts.obstacles.filter((obstacle) => isInTheWay(obstacle, settings)));
      for (const obstacle of facts.obstacles.filter((each) => !isInTheWay(each, settings))) {
        log.detail(`not in the way of ${settings.command}: ${obstacle.message}`);
      }
      await checkStorages(facts.sizeBytes);
      await showLeftovers(database, context, log);
      if (migrator !== null) await attempt(() => meetOnOneServer(database, migrator, context, settings, log));
      const planBefore = await readPlan(database, migrator);
      if (lock === null && isUpToDate(settings, planBefore) && problems.length === 0) {
        return ready({
          database,
          lock: null,
          migrator,
          storages,
          facts,
          history: planBefore.history,
          pending: [],
        });
      }
      refuseIfAny(problems);
      lock ??= await database.lock({
        run: context.run.id,
        description: context.run.description,
        startedAt: context.run.startedAt.toISOString(),
      });
      // Read again: whoever held the lock until now may have migrated.
      const plan = await readPlan(database, migrator);
      if (settings.command === 'migrate') refuseIfAny(plan.problems);
      for (const warning of plan.warnings) log.warn(warning);
      await context.ports.loadParser();
      if (settings.command === 'migrate') await dropOrphans(database, log);
      return ready({
        database,
        lock,
        migrator,
        storages,
        facts,
        history: plan.history,
        pending: plan.pending,
      });
    });
  } catch (error) {
    await lock?.[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

function ready(parts: Omit<Ready, typeof Symbol.asyncDispose>): Ready {
  return {
    ...parts,
    async [Symbol.asyncDispose]() {
      await parts.lock?.[Symbol.asyncDispose]();
      await parts.database[Symbol.asyncDispose]();
    },
  };
}

function refuseIfAny(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new RefusedError(problems, { phase: 'preflight' });
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

/** History and pending migrations of the target now, and what forbids to go on from there. */
async function readPlan(
  database: Database,
  migrator: Migrator | null,
): Promise<MigrationPlan & { readonly history: readonly HistoryRow[] | null }> {
  if (migrator === null) return { history: null, pending: [], problems: [], warnings: [] };
  const history = await readHistory(database, migrator.historySchema);
  const plan = planMigrations(migrator.migrations, history, {
    needsBaseline: await needsBaseline(database, migrator.historySchema),
  });
  return { history, ...plan };
}

/** Before anything is read that the plan rests on: a history that looks finished may be another server's. */
async function meetOnOneServer(
  database: Database,
  migrator: Migrator,
  context: CommandContext,
  settings: BackupMaking,
  log: PhaseLog,
): Promise<void> {
  const warn = (because: string) =>
    log.warn(`it could not be proved that migrations reach the database that is backed up: ${because}`);
  try {
    const proof = await proveServer(database, migrator, context.signal);
    if (proof.outcome === 'proved') log.detail('the migrator was led to the database that is backed up');
    if (proof.outcome === 'not-proved') warn(proof.because);
  } catch (error) {
    // A nightly backup may run where no migration ever does.
    if (settings.command !== 'backup' || !(error instanceof SafeMigrateError)) throw error;
    if (error.code !== 'SM_SERVER_UNPROVED') throw error;
    warn(error.message);
  }
}

async function openMigrator(
  context: CommandContext,
  settings: BackupMaking,
  log: PhaseLog,
): Promise<Migrator | null> {
  try {
    const migrator = await context.ports.openMigrator(settings, context.run, context.signal);
    for (const warning of migrator.warnings) log.warn(warning);
    context.report.prisma(migrator.version);
    return migrator;
  } catch (error) {
    // A backup needs Prisma only to find the database and to note the applied migrations.
    const dispensable = settings.command === 'backup' && settings.databaseUrl !== null;
    if (!dispensable || !(error instanceof SafeMigrateError) || error.code === 'SM_URL_MISMATCH') throw error;
    log.warn(`the backup will not name the applied migrations: ${error.message}`);
    return null;
  }
}

async function checkStorage(
  storage: Storage,
  sizeBytes: number,
  context: CommandContext,
  log: PhaseLog,
): Promise<void> {
  const neededMinutes = baseMinutes + Math.ceil(sizeBytes / bytesPerMinute);
  for (const warning of await storage.check(context.signal, neededMinutes)) log.warn(warning);
  log.detail(`${storage.url} can be written to`);
}

/**
 * The swap is the one way back that is always enough, so `migrate` does not begin where it is closed;
 * a backup that is proved by restoring it needs a database beside the target, and nothing else.
 */
function isInTheWay(obstacle: Obstacle, settings: BackupMaking): boolean {
  if (obstacle.closes === 'all') return true;
  if (settings.command === 'migrate') return obstacle.closes.includes('swap');
  return obstacle.code === 'SM_NO_CREATEDB' && settings.verify === 'restore';
}

async function showLeftovers(database: Database, context: CommandContext, log: PhaseLog): Promise<void> {
  const kept = await database.failedDatabases();
  context.report.kept(kept);
  for (const { name, sizeBytes } of kept)
    log.detail(`kept failed database ${name}, ${formatBytes(sizeBytes)}`);
  for (const { name, sizeBytes } of await database.leftoverCopies()) {
    log.warn(
      `an earlier run left the copy ${name} (${formatBytes(sizeBytes)}); it holds nothing that the backup does not hold`,
    );
  }
}
