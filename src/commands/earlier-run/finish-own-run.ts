import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupDetails } from '../../backup/manifest/details.ts';
import { dumpName } from '../../backup/manifest/manifest.ts';
import type { LockPort, RunLock } from '../../database/database.ts';
import type { Journal } from '../../database/journal.ts';
import type { Migrator } from '../../prisma/migrator.ts';
import type { RestorableDump } from '../../recovery/journal/baseline.ts';
import type { RunJournal } from '../../recovery/journal/run-journal.ts';
import type { Result } from '../../report/report.ts';
import { sha256OfFile } from '../../storage/port/sha256-of.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import { Hooks } from '../shared/hooks.ts';
import { openStorages } from '../shared/open-storages.ts';
import type { BackupMaking, RollbackSettings } from '../shared/settings.ts';
import { takeLock } from '../shared/take-lock.ts';
import { readDetailsIn } from '../stored/details-file.ts';
import { keysOf, storedDump } from '../stored/stored-dump.ts';
import { finishEarlierRun } from './finish-earlier-run.ts';

/** The sessions of a killed run end within moments, those of a frozen one within a minute. */
const lockWaitMs = 75_000;
const lockPauseMs = 1_000;

/**
 * After a run has died: finishes what it left open, by its own journal and nobody else's. Returns the result, or null
 * when there is nothing of it to finish: it was finished, or another run is at work and will see to it.
 */
export async function finishOwnRun(
  context: CommandContext,
  settings: BackupMaking | RollbackSettings,
): Promise<Result | null> {
  const { log, report } = context;
  const migrator = await openMigrator(context, settings);
  const url = settings.databaseUrl ?? migrator?.url ?? null;
  if (url === null) {
    throw new SafeMigrateError({
      code: 'SM_UNFINISHED_RUN',
      message: `run ${context.run.id} is unfinished, and without database-url and the project's Prisma nobody can say where`,
      hint: 'The next migrate finishes it.',
      docs: 'recovery.md',
    });
  }
  await using database = await context.ports.openDatabase(url, settings, {
    evenWithoutTarget: settings.command === 'rollback',
  });
  report.target({ ...database.address, serverVersion: database.server.text });
  const seen = await database.openJournal();
  if (seen?.run !== context.run.id) return null;
  log.headline(`run ${seen.run} on ${database.address.database} has ended in ${seen.phase}; finishing it`);
  const lock = await lockAfter(context, database);
  if (lock === null) return null;
  await using _ = lock;
  const journal = await database.openJournal();
  if (journal?.run !== context.run.id) return null;

  const startedAt = performance.now();
  const finished = await log.phase('recover', async (phaseLog) => {
    const value = await finishEarlierRun(
      {
        database,
        lock,
        migrator,
        storages: openStorages(context, settings),
        settings,
        keys: keysOf(settings),
        tellEvidence: (evidence) => context.report.recoveryEvidence(evidence),
        detailsOf: ({ backupId }) => readDetailsIn(context.workFolder, backupId),
        dumpOf: (found, details) => dumpIn(context.workFolder, found, details),
        fetchDump: (backup, fetchLog) => storedDump(context, settings, backup, fetchLog),
        signal: context.signal,
        beforeClosing: (kept) => payHook(context, settings, kept),
      },
      journal,
      phaseLog,
    );
    return { fact: value.fact, value, failed: value.problem !== null };
  });
  report.earlierRun(finished);
  report.pending(journal.migrations.map(({ name }) => name));
  if (finished.outcome === 'migrated') report.applied(journal.migrations.map(({ name }) => name));
  if (finished.outcome === 'restored') {
    const isSwap = (await database.oidOf(database.address.database)) !== journal.targetOid;
    report.recovery(isSwap ? 'swap' : 'history', (performance.now() - startedAt) / 1000);
    const failed = finished.swapped?.failedName ?? database.copyName('failed', journal.run);
    if (isSwap && journal.targetOid !== null) report.failedDatabase(failed);
  }
  if (finished.problem !== null) report.problem(finished.problem, 'recover');
  for (const step of finished.nextSteps) report.nextStep(step);
  report.kept(await database.failedDatabases());
  return finished.outcome === 'restored' && journal.command === 'rollback' ? 'rolled-back' : finished.outcome;
}

/** after-migrate, where before-migrate was begun and it was not. */
async function payHook(
  context: CommandContext,
  settings: BackupMaking | RollbackSettings,
  journal: RunJournal,
): Promise<void> {
  if (settings.command === 'rollback' && journal.entry.afterMigrateOwed) {
    await new Hooks(context, settings, journal).owed();
  }
}

/** Only with it the shorter ways of recovery can be proved; the swap does without. */
async function openMigrator(
  context: CommandContext,
  settings: BackupMaking | RollbackSettings,
): Promise<Migrator | null> {
  try {
    const migrator = await context.ports.openMigrator(settings, context.run, context.signal);
    await context.ports.loadParser();
    return migrator;
  } catch (error) {
    context.log.warn(`Prisma is not at hand: ${messageOf(error)}`);
    return null;
  }
}

/** Waits for what is left of this run's own sessions; null when another run has the lock. */
async function lockAfter(context: CommandContext, database: LockPort): Promise<RunLock | null> {
  const { run } = context;
  const deadline = Date.now() + lockWaitMs;
  for (;;) {
    try {
      return await takeLock(context, database);
    } catch (error) {
      if (!(error instanceof SafeMigrateError) || error.code !== 'SM_LOCKED') throw error;
      if (!error.message.includes(`run ${run.id},`)) {
        context.log.warn(`${error.message} It finds the journal of run ${run.id} and finishes it.`);
        return null;
      }
      if (Date.now() >= deadline) throw error;
      await sleep(lockPauseMs);
    }
  }
}

/** The dump that the run left on this machine, when it is whole. */
async function dumpIn(
  folder: string,
  { dump }: Journal,
  details: BackupDetails,
): Promise<RestorableDump | null> {
  if (dump === null) return null;
  const path = join(folder, dumpName);
  try {
    const handle = await open(path, 'r');
    const held = await sha256OfFile(handle, AbortSignal.timeout(60_000)).finally(() => handle.close());
    if (held.sizeBytes !== dump.sizeBytes || held.sha256 !== dump.sha256) return null;
    return { path, details };
  } catch {
    // Gone with the folder: then a person restores the stored one.
    return null;
  }
}
