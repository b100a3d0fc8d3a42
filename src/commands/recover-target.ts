import type { RunLock } from '../database/database.ts';
import type { Migrator } from '../prisma/migrator.ts';
import type { Baseline } from '../recovery/baseline.ts';
import { recover } from '../recovery/recover.ts';
import { recoveryFact } from '../recovery/recovery-fact.ts';
import type { Recovery } from '../recovery/recovery-request.ts';
import { roleChanges } from '../recovery/role-changes.ts';
import type { RunJournal } from '../recovery/run-journal.ts';
import { stopped } from '../recovery/stopped.ts';
import type { Result } from '../report/report.ts';
import { messageOf } from '../system/errors.ts';
import { isTakenOver } from '../system/taken-over.ts';
import { compareSwapped } from './compare-swapped.ts';
import type { CommandContext } from './context.ts';
import type { Deployment } from './deploy-migrations.ts';
import type { Ready } from './preflight.ts';
import type { MigrateSettings } from './settings.ts';
import { settle } from './settle.ts';
import type { StoredBackup } from './take-backup.ts';
import { waysToFinish } from './ways-to-finish.ts';

interface Failed {
  readonly ready: Ready;
  readonly lock: RunLock;
  readonly journal: RunJournal;
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
          migrationNames: failed.migrator.migrations.map(({ name }) => name),
          lock: failed.lock,
          journal: failed.journal,
          baseline,
          writesBeforeMigration: baseline.writesBeforeMigration.length,
          deployed: deployment.deployed,
          prismaLock: deployment.prismaLock,
          mayNotGoBack: null,
          tellEvidence: (evidence) => report.recoveryEvidence(evidence),
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
    report.applied(deployment.applied);
    // Whoever has the lock now also has the say, and nothing is left for a person to do.
    if (isTakenOver(error)) return takenOver(context);
    await leaveOpen(context, failed, 'recovery-failed', error);
    return 'recovery-failed';
  }

  if (recovery.result === 'stopped') {
    report.problem(stopped(recovery.because), 'recover');
    report.applied(deployment.applied);
    await leaveOpen(context, failed, 'stopped', recovery.because);
    return 'stopped';
  }
  if (recovery.swapped !== null) {
    report.failedDatabase(recovery.swapped.failedName);
    await compareSwapped(context, {
      database: ready.database,
      swapped: recovery.swapped,
      fingerprint: failed.backup.details.fingerprint,
      jobs: settings.jobs,
    });
  }
  await tellRoleChanges(context, failed);
  await settle(context, ready, {
    dropFallback: recovery.fallback,
    keepFailed: null,
    journal: failed.journal,
  });
  return recovery.result;
}

/** Roles are no part of a database: what the migration did to them has stayed. */
async function tellRoleChanges({ log, report }: CommandContext, failed: Failed): Promise<void> {
  const { roles } = failed.baseline;
  if (roles === null) return;
  try {
    const changes = roleChanges(roles, await failed.ready.database.roles());
    report.roleChanges(changes);
    for (const { role, change } of changes) {
      log.warn(
        `role ${role} was ${change} while the migration ran, and that stays: roles belong to the server`,
      );
    }
  } catch (error) {
    log.warn(`the roles of the server could not be compared: ${messageOf(error)}`);
  }
}

function takenOver({ report }: CommandContext): Result {
  report.nextStep({
    text: 'Another run has taken over: its log says how it went on. Do nothing by hand before that one has ended.',
    commands: [],
  });
  return 'stopped';
}

/** Leaves the journal open, so that nobody goes on by surprise, and says how a person can finish. */
async function leaveOpen(
  context: CommandContext,
  { ready, journal, backup }: Failed,
  phase: 'stopped' | 'recovery-failed',
  reason: unknown,
): Promise<void> {
  try {
    await journal.leave(phase, messageOf(reason));
  } catch (error) {
    context.log.warn(`the journal could not be written: ${messageOf(error)}`);
  }
  for (const step of await waysToFinish(ready.database, journal.entry, backup.record)) {
    context.report.nextStep(step);
  }
}
