import type { RunLock } from '../database/database.ts';
import type { Migrator } from '../prisma/migrator.ts';
import type { Baseline } from '../recovery/baseline.ts';
import { finishByHand } from '../recovery/finish-by-hand.ts';
import { type Recovery, recover } from '../recovery/recover.ts';
import { countOf, formatCount } from '../report/quantity.ts';
import type { Result } from '../report/report.ts';
import { restoreByHandCommands } from '../report/restore-by-hand.ts';
import { messageOf, SafeMigrateError } from '../system/errors.ts';
import type { CommandContext } from './context.ts';
import type { Deployment } from './deploy-migrations.ts';
import type { Ready } from './preflight.ts';
import type { MigrateSettings } from './settings.ts';
import { settle } from './settle.ts';
import type { StoredBackup } from './take-backup.ts';

interface Failed {
  readonly ready: Ready;
  readonly lock: RunLock;
  readonly migrator: Migrator;
  readonly baseline: Baseline;
  readonly deployment: Deployment;
  readonly backup: StoredBackup;
}

/** Phases recover, report and settle. Never rejects: what goes wrong here is the result. */
export async function recoverTarget(
  context: CommandContext,
  settings: MigrateSettings,
  failed: Failed,
): Promise<Result> {
  const { log, report } = context;
  const { ready, baseline, deployment } = failed;
  if (deployment.failure !== null) report.failure(deployment.failure);
  report.problem(deployment.error, 'migrate');

  let recovery: Recovery;
  try {
    recovery = await log.phase('recover', async (phaseLog) => {
      const startedAt = performance.now();
      const value = await recover(
        {
          database: ready.database,
          migrator: failed.migrator,
          lock: failed.lock,
          baseline,
          deployed: deployment.deployed,
          properties: ready.facts.properties,
          run: context.run.id,
          settings,
        },
        phaseLog,
      );
      report.recovery(value.method, value.method === 'none' ? null : (performance.now() - startedAt) / 1000);
      return { fact: recoveryFact(value), value, failed: value.result === 'stopped' };
    });
  } catch (error) {
    report.problem(error, 'recover');
    await tellWhereItStands(context, failed);
    return 'recovery-failed';
  }

  if (recovery.result === 'stopped') {
    report.problem(stopped(recovery.because), 'recover');
    report.applied(deployment.applied);
    tellHowToFinish(context, failed);
    return 'stopped';
  }
  if (recovery.swapped !== null) {
    report.failedDatabase(recovery.swapped.failedName);
    await reportNewWrites(context, settings, failed, recovery.swapped);
  }
  await settle(context, ready, { dropFallback: recovery.fallback, keepFailed: null });
  return recovery.result;
}

function recoveryFact(recovery: Recovery): string {
  switch (recovery.method) {
    case 'none':
      return recovery.result === 'stopped'
        ? `stopped: ${recovery.because}`
        : 'nothing to undo: history and catalogs are as before';
    case 'history':
      return 'history; the failed row was taken out, nothing else had changed';
    default:
      return `swap; schema and history as before; failed state kept as ${recovery.swapped?.failedName ?? ''}`;
  }
}

/** After a recovery that failed: commands for before the swap are no use after it, so the server is asked. */
async function tellWhereItStands(context: CommandContext, failed: Failed): Promise<void> {
  const { database } = failed.ready;
  const failedName = database.copyName('failed', context.run.id);
  const isSwapped = await database.oidOf(failedName).then(
    (oid) => oid === failed.baseline.targetOid,
    // Who cannot be asked is most likely as he was.
    () => false,
  );
  if (!isSwapped) {
    context.report.applied(failed.deployment.applied);
    tellHowToFinish(context, failed);
    return;
  }
  context.report.failedDatabase(failedName);
  context.report.nextStep({
    text: `${database.address.database} is the restored backup now, and the state that the failed migration left is kept as ${failedName}. Look at what the problem above names before you go on; nothing has to be swapped any more.`,
    commands: [],
  });
}

/** What only the failed database holds, table by table: the application's writes after the backup among it. */
async function reportNewWrites(
  context: CommandContext,
  settings: MigrateSettings,
  failed: Failed,
  swapped: NonNullable<Recovery['swapped']>,
): Promise<void> {
  const { database } = failed.ready;
  if (context.signal.aborted) {
    // The runner ends a cancelled step within seconds: the result has to be told before that.
    context.log.warn(`the run was cancelled, so ${swapped.failedName} was not compared with the target`);
    return;
  }
  try {
    await context.log.phase('report', async (log) => {
      const differences = await database.compareWithFailed(
        { ...swapped, before: failed.baseline.fingerprint, jobs: settings.jobs },
        log,
      );
      context.report.newWrites(differences);
      for (const each of differences) {
        log.detail(
          `${each.schema}.${each.table}: ${each.onlyInFailed} rows only in the failed database, ${each.changed} changed, ${each.onlyInTarget} only in the target`,
        );
      }
      const rows = differences.reduce(
        (sum, each) => sum + each.onlyInFailed + each.changed + each.onlyInTarget,
        0,
      );
      const compared = `${countOf(failed.baseline.fingerprint.tables.length, 'table')} compared`;
      return {
        fact:
          rows === 0
            ? `${compared}: no row written after the backup`
            : `${compared}: ${formatCount(rows)} rows in ${countOf(differences.length, 'table')} differ from the failed database`,
        value: null,
      };
    });
  } catch (error) {
    context.log.warn(`the failed database could not be compared: ${messageOf(error)}`);
  }
}

function stopped(because: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_STOPPED',
    phase: 'recover',
    docs: 'recovery.md',
    message: `the target was left as it is: ${because}`,
    hint: 'Choose one of the two ways to finish that the report lists; until then the copy of the state before stays.',
  });
}

function tellHowToFinish(context: CommandContext, failed: Failed): void {
  const { ready, baseline } = failed;
  const name = ready.database.address.database;
  const fallback = ready.database.copyName('fallback', context.run.id);
  const steps = finishByHand({
    target: name,
    fallback,
    failed: ready.database.copyName('failed', context.run.id),
    failedMark: ready.database.copyMark('failed', context.run.id),
    comment: ready.facts.properties.comment,
    restore: baseline.fallback === null ? restoreByHandCommands(failed.backup.record, fallback) : [],
  });
  for (const step of steps) context.report.nextStep(step);
}
