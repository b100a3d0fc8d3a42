import type { LockWatch, TargetPort, WorkPort } from '../../database/database.ts';
import { describeFailure } from '../../prisma/failure.ts';
import { readHistory } from '../../prisma/history.ts';
import type { DeployResult, Migrator } from '../../prisma/migrator.ts';
import { type DeployVerdict, judge } from '../../prisma/plan.ts';
import type { Baseline } from '../../recovery/journal/baseline.ts';
import type { LockSight } from '../../recovery/journal/recovery-request.ts';
import { whenReachable } from '../../recovery/journal/when-reachable.ts';
import { isOurs } from '../../recovery/quiet/quiet-migrator.ts';
import { countOf } from '../../report/quantity.ts';
import type { MigrationFailure } from '../../report/report.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { describeExit } from '../../system/exit-text.ts';
import type { CommandContext } from '../shared/context.ts';

export interface Deployment {
  /** Migrations of this run that the history calls applied. */
  readonly applied: readonly string[];
  /** Every pending migration is finished, by `_prisma_migrations`. */
  readonly complete: boolean;
  readonly deployed: DeployResult;
  readonly prismaLock: LockSight;
  readonly failure: MigrationFailure | null;
  /** Why it is not complete; null when it is. */
  readonly error: SafeMigrateError | null;
}

/**
 * Phases migrate and confirm. Rejects only while nothing is touched, with what `begin` rejects with: once the
 * migrator was started, an error is evidence for recover.
 * Judged by the history table; exit codes and output only explain (`migrate deploy` is known to exit 0
 * without having migrated).
 */
export async function deployMigrations(
  context: CommandContext,
  given: {
    readonly database: TargetPort & WorkPort;
    readonly migrator: Migrator;
    readonly pending: readonly string[];
    readonly timeoutMs: number;
    /** The last look before the migrator is started; may still refuse. */
    readonly begin: (log: PhaseLog) => Promise<Baseline>;
  },
): Promise<{ readonly baseline: Baseline; readonly deployment: Deployment }> {
  const { pending } = given;
  const { baseline, deployment } = await context.log.phase('migrate', async (log) => {
    const baseline = await given.begin(log);
    context.report.writesBeforeMigration(baseline.writesBeforeMigration);
    const { fact, deployment } = await deploy(context, { ...given, baseline }, log);
    return { fact, failed: !deployment.complete, value: { baseline, deployment } };
  });
  if (deployment.complete) {
    await context.log.phase('confirm', async () => ({
      fact: `${pending.length} of ${pending.length} finished in _prisma_migrations`,
      value: null,
    }));
  }
  return { baseline, deployment };
}

async function deploy(
  context: CommandContext,
  given: {
    readonly database: TargetPort & WorkPort;
    readonly migrator: Migrator;
    readonly pending: readonly string[];
    readonly timeoutMs: number;
    readonly baseline: Baseline;
  },
  log: PhaseLog,
): Promise<{ readonly fact: string; readonly deployment: Deployment }> {
  const { database, migrator, pending, baseline } = given;
  const timeout = AbortSignal.timeout(given.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout]);
  const ended = await start({ database, migrator, run: context.run.id, baseline }, log, signal);
  const { deployed, prismaLock } = ended;
  const error = timeout.aborted && !context.signal.aborted ? timedOut(given.timeoutMs) : ended.error;
  const incomplete = (fact: string, message: string, cause: unknown, failure: MigrationFailure | null) => ({
    fact,
    deployment: {
      applied,
      complete: false,
      deployed,
      prismaLock,
      failure,
      error: migrationFailed(message, cause),
    },
  });

  let applied: readonly string[] = [];
  let verdict: DeployVerdict;
  try {
    const history = await whenReachable(() => readHistory(database, migrator.historySchema), log);
    verdict = judge(baseline.history, history, migrator.migrations, pending, deployed);
    applied = verdict.applied;
  } catch (cause) {
    const message = `after the migration the target cannot be read: ${messageOf(cause)}`;
    return incomplete(message, message, cause, null);
  }
  if (prismaLock.sight === 'not-seen' && verdict.applied.length + verdict.failed.length > 0) {
    log.warn(
      "Prisma's advisory lock was not seen while it ran: the project switches it off (PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK), and nothing keeps another deploy away. Going back counts only what tables hold, or is a swap",
    );
  }
  if (verdict.isComplete) {
    if (deployed.exitCode !== 0) {
      log.warn(`prisma ended with exit code ${deployed.exitCode}, yet every migration is applied`);
    }
    return {
      fact: `${countOf(pending.length, 'migration')} applied`,
      deployment: { applied, complete: true, deployed, prismaLock, failure: null, error: null },
    };
  }
  const [failed] = verdict.failed;
  if (failed === undefined) {
    const message = noFailedRow(deployed, error);
    return incomplete(message, message, error, null);
  }
  const migration = migrator.migrations.find((file) => file.name === failed.migrationName) ?? null;
  const failure = await describeFailure({ row: failed, deployed, migration }).catch(
    // By now the target is touched: what cannot be described is recovered all the same.
    (cause: unknown): MigrationFailure => ({
      migration: failed.migrationName,
      file: null,
      line: null,
      sqlState: null,
      message: `the failure cannot be described: ${messageOf(cause)}`,
    }),
  );
  return incomplete(
    `failed in ${failure.migration}: ${failure.message}`,
    isTimeout(error) ? error.message : `migration ${failure.migration} failed: ${failure.message}`,
    error,
    failure,
  );
}

async function start(
  {
    database,
    migrator,
    run,
    baseline,
  }: {
    readonly database: TargetPort & WorkPort;
    readonly migrator: Migrator;
    readonly run: string;
    readonly baseline: Baseline;
  },
  log: PhaseLog,
  signal: AbortSignal,
): Promise<{ readonly deployed: DeployResult; readonly prismaLock: LockSight; readonly error: unknown }> {
  const nothing: DeployResult = {
    exitCode: null,
    signal: null,
    output: '',
    errorCode: null,
    localPorts: new Set(),
  };
  let watch: LockWatch | null = null;
  const sightOf = async (deployed: DeployResult): Promise<LockSight> => {
    const seen = await watch?.stop();
    if (seen === undefined || (seen.problem !== null && seen.holders.length === 0))
      return { sight: 'unknown', othersSeen: false };
    const own = { deployed, run, since: baseline.serverTime };
    const ours = seen.holders.filter((holder) => isOurs(holder, own, database));
    return {
      sight: ours.length > 0 ? 'taken' : 'not-seen',
      othersSeen: seen.problem !== null || seen.holders.length > ours.length,
    };
  };
  try {
    watch = await database.watchPrismaLock();
    const deployed = await migrator.deploy(log, signal);
    return { deployed, prismaLock: await sightOf(deployed), error: null };
  } catch (error) {
    return { deployed: nothing, prismaLock: await sightOf(nothing), error };
  }
}

function timedOut(timeoutMs: number): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_MIGRATION_TIMEOUT',
    phase: 'migrate',
    docs: 'prisma.md',
    message: `the migration did not end within ${timeoutMs / 60_000} minutes and was ended`,
    hint: 'Find out what it waited for (a lock, a long rewrite); give more time with migration-timeout-minutes.',
  });
}

function noFailedRow(deployed: DeployResult, error: unknown): string {
  if (isTimeout(error)) return error.message;
  if (error !== null) return `prisma could not be run: ${messageOf(error)}`;
  if (deployed.errorCode === 'P1002') return 'prisma did not get its lock (P1002): another deploy holds it';
  const code = deployed.errorCode === null ? '' : ` (${deployed.errorCode})`;
  return `prisma ended with ${describeExit(deployed)}${code} and did not apply every migration`;
}

function isTimeout(error: unknown): error is SafeMigrateError {
  return error instanceof SafeMigrateError && error.code === 'SM_MIGRATION_TIMEOUT';
}

function migrationFailed(message: string, cause: unknown): SafeMigrateError {
  if (isTimeout(cause)) return cause;
  return new SafeMigrateError({
    code: 'SM_MIGRATION_FAILED',
    phase: 'migrate',
    docs: 'prisma.md',
    message,
    hint: 'Correct the migration and deploy again; `prisma migrate resolve` is not needed after a recovery.',
    cause,
  });
}
