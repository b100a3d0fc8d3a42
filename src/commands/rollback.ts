import type { BackupDetails } from '../backup/manifest/details.ts';
import { readyCopy } from '../recovery/journal/baseline.ts';
import { RunJournal } from '../recovery/journal/run-journal.ts';
import { countOf } from '../report/quantity.ts';
import type { Result } from '../report/report.ts';
import { messageOf } from '../system/errors.ts';
import { exchange } from './rollback/exchange.ts';
import { preflightRollback, type RollbackReady } from './rollback/preflight.ts';
import { takenBack, withTables } from './rollback/taken-back.ts';
import type { CommandContext } from './shared/context.ts';
import { Hooks } from './shared/hooks.ts';
import type { RollbackSettings } from './shared/settings.ts';
import { unlessLost } from './shared/unless-lost.ts';
import { fetchStored } from './stored/fetch-stored.ts';
import { storedRecord } from './stored/find-stored.ts';
import { restoreStored } from './stored/restore-stored.ts';

/**
 * Brings the target back to a stored backup, because a person asks for it: fetched and verified, restored beside,
 * compared with its manifest, and only then exchanged. What is there now is kept. Rejects only while nothing has
 * been touched.
 */
export async function rollback(context: CommandContext, settings: RollbackSettings): Promise<Result> {
  await using ready = await context.log.phase('preflight', async (log) => {
    const value = await preflightRollback(context, settings, log);
    const { address, server } = value.database;
    context.log.headline(
      `rollback of ${address.database} at ${address.host}:${address.port}, PostgreSQL ${server.text}, to ${value.backup.id}`,
    );
    const report = takenBack(value);
    context.report.rollback(report);
    for (const name of report.migrations ?? []) log.detail(`applied after the backup: ${name}`);
    return { fact: `${migrationsFact(report.migrations)}; ${value.database.toolsFact}`, value };
  });
  if (settings.dryRun) return await onlyLook(context, settings, ready);

  const { opened } = ready;
  if (opened === null) throw new TypeError('a rollback to a backup that nobody could read is a dry run');
  const { details } = opened;
  const guarded = unlessLost(context, ready.lock);
  await using fetched = await fetchStored(guarded, opened, settings.keys);
  const journal = beginJournal(context, ready, details);
  const hooks = new Hooks(context, settings, journal);
  let result: Result | null = null;
  try {
    await hooks.before();
    await journal.enter('prove');
    const copy = await restoreStored(guarded, ready.database, details, fetched, settings.jobs);
    context.report.backup(storedRecord(ready.backup, 'true'));
    await refuseIfCancelled(context, ready, copy.name);
    await journal.enter('recover', { fallback: readyCopy(copy) });
    result = await exchange(context, ready, { copy, details }, journal);
  } finally {
    await hooks.after();
    // What failed before the exchange has touched nothing; what failed in it stays open for a person.
    if (result !== 'recovery-failed' && !hooks.isOwed) await close(context, journal);
  }
  if (result === 'rolled-back') await tellWhatNow(context, ready);
  return result;
}

/** Who dies from here on is finished by post or the next run, by what stands in it. */
function beginJournal(
  context: CommandContext,
  { backup, lock, targetOid }: RollbackReady,
  { properties, prisma }: BackupDetails,
): RunJournal {
  if (lock === null) throw new TypeError('a rollback without a lock is a dry run');
  return RunJournal.of(
    lock,
    {
      run: context.run.id,
      command: 'rollback',
      targetOid,
      comment: properties.comment,
      historySchema: prisma?.historySchema ?? 'public',
      migrations: [],
      backupId: backup.id,
    },
    context.journalIsOpen,
  );
}

async function close(context: CommandContext, journal: RunJournal): Promise<void> {
  try {
    await journal.clear();
  } catch (error) {
    context.log.warn(`the journal could not be closed, the next run does it: ${messageOf(error)}`);
  }
}

/** `dry-run`: what would be taken back. Nothing is locked, fetched or written. */
async function onlyLook(
  context: CommandContext,
  settings: RollbackSettings,
  ready: RollbackReady,
): Promise<Result> {
  await context.log.phase('report', async (log) => {
    const report = await withTables(context, ready, settings.jobs, takenBack(ready), log);
    context.report.rollback(report);
    for (const { schema, table, rowsNow, rowsInBackup } of report.tables ?? []) {
      log.detail(`${schema}.${table}: ${rowsNow ?? 'no'} rows now, ${rowsInBackup ?? 'no'} in the backup`);
    }
    const differing =
      report.tables === null
        ? 'tables were not read'
        : `${countOf(report.tables.length, 'table')} with other rows than the backup`;
    return { fact: `${migrationsFact(report.migrations)}; ${differing}`, value: null };
  });
  const { commit } = takenBack(ready);
  context.report.nextStep({
    text: `Nothing was changed. Without dry-run, ${ready.database.address.database} becomes ${ready.backup.id}, and what is there now is kept under another name.${redeploy(commit)}`,
    commands: [],
  });
  return 'checked';
}

/** The last moment: the exchange itself is not cut off. */
async function refuseIfCancelled(context: CommandContext, ready: RollbackReady, copy: string): Promise<void> {
  try {
    await ready.lock?.assertHeld();
    context.signal.throwIfAborted();
  } catch (error) {
    await ready.database.dropCopy(copy).catch((reason: unknown) => {
      context.log.warn(`${copy} could not be dropped: ${messageOf(reason)}`);
    });
    throw error;
  }
}

async function tellWhatNow(context: CommandContext, ready: RollbackReady): Promise<void> {
  const { commit, migrations } = takenBack(ready);
  const pending =
    migrations === null || migrations.length === 0
      ? ''
      : ` ${countOf(migrations.length, 'migration')} that were applied after it are pending again.`;
  context.report.nextStep({
    text: `${ready.database.address.database} is as it was in ${ready.backup.id}.${pending}${redeploy(commit)}`,
    commands: [],
  });
  try {
    context.report.kept(await ready.database.failedDatabases());
  } catch (error) {
    context.log.warn(`the kept databases cannot be listed: ${messageOf(error)}`);
  }
}

function redeploy(commit: string | null): string {
  return commit === null ? '' : ` The application that fits it is that of commit ${commit}: deploy that one.`;
}

function migrationsFact(migrations: readonly string[] | null): string {
  if (migrations === null) return 'the migrations since the backup are unknown';
  return `${countOf(migrations.length, 'migration')} applied since the backup`;
}
