import type {
  ContentsPort,
  CopiesPort,
  ExchangePort,
  LockPort,
  RunLock,
  TargetPort,
  WorkPort,
} from '../../database/database.ts';
import type { Migrator } from '../../prisma/migrator.ts';
import { UnfinishedRunError } from '../../recovery/finish/unfinished-run-error.ts';
import { countOf } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { messageOf } from '../../system/errors.ts';
import { compareSwapped } from '../shared/compare-swapped.ts';
import type { CommandContext } from '../shared/context.ts';
import type { BackupMaking, RollbackSettings } from '../shared/settings.ts';
import { takeLock } from '../shared/take-lock.ts';
import { keysOf, storedDump } from '../stored/stored-dump.ts';
import { type FinishedRun, finishEarlierRun } from './finish-earlier-run.ts';

/**
 * Finishes what an earlier run left open, before `migrate` or `rollback` looks at the target; others only report it. Returns
 * the lock that it took for that, or null when nothing was open. Rejects with SM_LOCKED when that run lives, and with
 * an UnfinishedRunError when a person has to finish it.
 */
export async function finishEarlier(
  context: CommandContext,
  settings: BackupMaking | RollbackSettings,
  given: {
    readonly database: TargetPort & ContentsPort & CopiesPort & ExchangePort & LockPort & WorkPort;
    readonly migrator: Migrator | null;
    readonly storages: readonly Storage[];
  },
  log: PhaseLog,
): Promise<RunLock | null> {
  const { database } = given;
  const seen = await database.openJournal();
  if (seen === null) return null;
  if (settings.command === 'backup' || (settings.command === 'rollback' && settings.dryRun)) {
    log.warn(
      `run ${seen.run} on ${database.address.database} is unfinished (phase ${seen.phase} since ${seen.at}): the next migrate finishes it, or says what a person has to do`,
    );
    return null;
  }
  const lock = await takeLock(context, database);
  try {
    // What that run's scripts could do decides what its history is worth.
    await context.ports.loadParser();
    // Read again: whoever held the lock until now may have finished it.
    const journal = await database.openJournal();
    if (journal === null) return lock;
    const finished = await context.log.phase('recover', async (phaseLog) => {
      const value = await finishEarlierRun(
        {
          ...given,
          lock,
          settings,
          keys: keysOf(settings),
          tellEvidence: (evidence) => context.report.recoveryEvidence(evidence),
          detailsOf: async () => null,
          dumpOf: async () => null,
          fetchDump: (backup, fetchLog) => storedDump(context, settings, backup, fetchLog),
          signal: context.signal,
        },
        journal,
        phaseLog,
      );
      return { fact: value.fact, value, failed: value.problem !== null };
    });
    context.report.earlierRun(finished);
    if (finished.afterMigrateOwed) {
      context.report.nextStep({
        text: `Run ${finished.run} had begun its before-migrate and did not get to its after-migrate: run that by hand (start the application).`,
        commands: [],
      });
    }
    if (finished.problem !== null) throw unfinished(context, journal.phase, finished);
    log.warn(`an earlier run was unfinished and is finished now: ${finished.fact}`);
    if (finished.swapped !== null && finished.details !== null) {
      const { fingerprint } = finished.details;
      await compareSwapped(context, {
        database,
        swapped: finished.swapped,
        fingerprint,
        jobs: settings.jobs,
      });
    }
    return lock;
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

function unfinished(context: CommandContext, phaseBefore: string, finished: FinishedRun): Error {
  for (const step of finished.nextSteps) context.report.nextStep(step);
  const { problem, outcome } = finished;
  if (problem === null) throw new TypeError('it is finished');
  // Who only finds it so has changed nothing, and says so.
  const isNew = phaseBefore !== outcome && (outcome === 'stopped' || outcome === 'recovery-failed');
  return new UnfinishedRunError(problem, isNew ? outcome : 'refused');
}

/**
 * Clears away what a run left behind that died without a journal, where this run has nothing to do that would need the
 * lock: taking it and letting go of it drops the coordination database. Best effort: whoever holds it is at work.
 */
export async function clearIdleCoordination(
  context: CommandContext,
  database: CopiesPort & ExchangePort & LockPort,
  log: PhaseLog,
): Promise<void> {
  const name = database.closedJournal.database;
  try {
    if ((await database.oidOf(name)) === null) return;
    await using _ = await takeLock(context, database);
    // Read again: with the lock in hand nobody writes one any more.
    if ((await database.openJournal()) === null) await dropOrphans(database, log);
  } catch (error) {
    log.detail(`${name} stays: ${messageOf(error)}`);
  }
}

/**
 * Drops copies that earlier runs left behind. Whoever makes one holds the lock while he needs it, and now this run
 * holds it; what an open journal names never comes here. Best effort: the result does not depend on it.
 */
export async function dropOrphans(database: CopiesPort, log: PhaseLog): Promise<void> {
  const dropped: string[] = [];
  for (const { name } of await database.leftoverCopies()) {
    try {
      await database.dropCopy(name);
      dropped.push(name);
    } catch (error) {
      log.warn(`the copy ${name} of an earlier run could not be dropped: ${messageOf(error)}`);
    }
  }
  if (dropped.length > 0) {
    log.detail(`dropped ${countOf(dropped.length, 'copy', 'copies')} of earlier runs: ${dropped.join(', ')}`);
  }
}
