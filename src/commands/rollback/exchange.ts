import type { BackupDetails } from '../../backup/manifest/details.ts';
import type { Fallback } from '../../database/database.ts';
import { readHistory } from '../../prisma/history.ts';
import { exchangeWhenReachable } from '../../recovery/exchange-when-reachable.ts';
import { readyCopy } from '../../recovery/journal/baseline.ts';
import type { RunJournal } from '../../recovery/journal/run-journal.ts';
import { whenReachable } from '../../recovery/journal/when-reachable.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { waysToFinish } from '../earlier-run/ways-to-finish.ts';
import type { CommandContext } from '../shared/context.ts';
import type { RollbackReady } from './preflight.ts';

/** What takes the target's place: the restored copy, and what its backup says of it. */
interface Restored {
  readonly copy: Fallback;
  readonly details: BackupDetails;
}

/** Once begun, the exchange listens to nobody: it takes a moment. */
const never = new AbortController().signal;

/**
 * Phase recover: the restored copy takes the target's place, and what was there is kept. Returns whether it did; what
 * went wrong is in the report then, with the commands that finish it.
 */
export async function exchange(
  context: CommandContext,
  ready: RollbackReady,
  restored: Restored,
  journal: RunJournal,
): Promise<'rolled-back' | 'recovery-failed'> {
  const { database, targetOid } = ready;
  try {
    await context.log.phase('recover', async (log) => {
      const startedAt = performance.now();
      const failed =
        targetOid === null ? null : await whenReachable(() => database.failedPlace(context.run.id), log);
      const failedName = failed?.name ?? null;
      await rename(ready, restored, failed, journal, log);
      journal.swapped();
      if (failedName !== null) context.report.failedDatabase(failedName);
      context.report.recovery('swap', (performance.now() - startedAt) / 1000);
      await checkExchanged(ready, restored, failedName, log);
      const kept =
        failedName === null
          ? 'there was no database of that name'
          : `what was there is kept as ${failedName}`;
      return { fact: `swap; schema and history as in the backup; ${kept}`, value: null };
    });
    return 'rolled-back';
  } catch (error) {
    context.report.problem(error, 'recover');
    await journal.leave('recovery-failed', messageOf(error)).catch((reason: unknown) => {
      context.log.warn(`the journal could not be written: ${messageOf(reason)}`);
    });
    for (const step of await waysToFinish(database, journal.entry, null)) context.report.nextStep(step);
    return 'recovery-failed';
  }
}

async function rename(
  ready: RollbackReady,
  { copy, details }: Restored,
  failed: { readonly name: string; readonly run: string } | null,
  journal: RunJournal,
  log: PhaseLog,
): Promise<void> {
  const { database, targetOid, lock } = ready;
  if (lock === null) throw new TypeError('an exchange without a lock');
  const { properties } = details;
  if (targetOid === null || failed === null) {
    const take = () => database.takeName({ fallback: copy, properties, journal: journal.whenSwapped() });
    await exchangeWhenReachable({ lock, journal }, readyCopy(copy), take, log);
    return;
  }
  const swap = () =>
    database.swap(
      {
        targetOid,
        fallback: copy,
        failedName: failed.name,
        properties,
        run: failed.run,
        journal: journal.whenSwapped(),
      },
      log,
    );
  const outcome = await exchangeWhenReachable({ lock, journal }, readyCopy(copy), swap, log);
  log.detail(`${outcome.terminatedSessions} sessions ended`);
}

/** Contents were compared before; this is about whether it is the copy that answers to the name now. */
async function checkExchanged(
  { database }: RollbackReady,
  { copy, details: { prisma } }: Restored,
  failedName: string | null,
  log: PhaseLog,
): Promise<void> {
  const name = database.address.database;
  const wrong = await whenReachable(async () => {
    const [oid, digest] = [await database.oidOf(name), await database.schemaDigest(never)];
    const history = prisma === null ? null : await readHistory(database, prisma.historySchema);
    const applied = history?.filter((row) => row.finishedAt !== null && row.rolledBackAt === null) ?? [];
    const isHistory =
      JSON.stringify(applied.map((row) => row.migrationName).toSorted()) ===
      JSON.stringify((prisma?.appliedMigrations ?? []).map((migration) => migration.name).toSorted());
    return [
      oid === copy.oid ? null : 'another database answers to its name',
      digest === copy.fingerprint.schemaDigest ? null : 'its schema is not that of the restored copy',
      isHistory ? null : 'its migration history is not that of the backup',
    ].filter((problem) => problem !== null);
  }, log);
  if (wrong.length === 0) return;
  const kept = failedName === null ? '' : `; what was there before is in ${failedName}`;
  throw new SafeMigrateError({
    code: 'SM_RECOVERY_FAILED',
    phase: 'recover',
    docs: 'recovery.md',
    message: `${name} was rolled back, but ${wrong.join(', ')}${kept}`,
    hint: 'Look at the database before the application is started again.',
  });
}
