import type { Result } from '../report/report.ts';
import { pruneAfterBackup } from './making/prune-backups.ts';
import { takeBackup } from './making/take-backup.ts';
import { beginJournal } from './migrate/begin-journal.ts';
import { settle } from './migrate/settle.ts';
import { preflight, preflightFact } from './preflight/preflight.ts';
import type { CommandContext } from './shared/context.ts';
import type { BackupSettings } from './shared/settings.ts';

/**
 * dump, prove, store. A dump whose proof fails is stored all the same, marked as unproved, because it may be
 * the only one there is; then the job fails, because somebody has to look.
 */
export async function backup(context: CommandContext, asked: BackupSettings): Promise<Result> {
  const { log, report } = context;
  await using ready = await log.phase('preflight', async (phaseLog) => {
    const value = await preflight(context, asked, phaseLog);
    const { address, server } = value.database;
    log.headline(
      `backup of ${address.database} at ${address.host}:${address.port}, PostgreSQL ${server.text}`,
    );
    return { fact: preflightFact(value), value };
  });
  const settings = { ...asked, jobs: ready.jobs };
  report.pending(ready.pending);
  // One that stands is that of a run which somebody has to finish; preflight has told of it.
  const journal =
    (await ready.database.openJournal()) === null ? beginJournal(context, 'backup', ready) : null;
  await using stored = await takeBackup(context, settings, ready, {
    fallbackName: ready.database.copyName('fallback', context.run.id),
    keepUnproved: true,
    journal,
  });
  await settle(context, ready, { dropFallback: stored.fallback, keepFailed: null, journal });
  await pruneAfterBackup(context, settings, ready, stored.record.restoreProved);
  if (stored.proofError !== null) throw stored.proofError;
  return 'backed-up';
}
