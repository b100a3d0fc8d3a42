import { takeBaseline } from '../recovery/journal/baseline.ts';
import { historyDigest } from '../recovery/journal/history-digest.ts';
import type { RunJournal } from '../recovery/journal/run-journal.ts';
import { countOf } from '../report/quantity.ts';
import type { Result } from '../report/report.ts';
import { pruneAfterBackup } from './making/prune-backups.ts';
import { type StoredBackup, takeBackup } from './making/take-backup.ts';
import { beginJournal } from './migrate/begin-journal.ts';
import { deployMigrations } from './migrate/deploy-migrations.ts';
import { recoverTarget } from './migrate/recover-target.ts';
import { settle } from './migrate/settle.ts';
import { preflight, preflightFact, type Ready } from './preflight/preflight.ts';
import type { CommandContext } from './shared/context.ts';
import { interruptible } from './shared/interruptible.ts';
import type { MigrateSettings } from './shared/settings.ts';
import { unlessLost } from './shared/unless-lost.ts';

/**
 * The whole story: nothing is touched before the backup has been restored, compared and stored, and whatever
 * goes wrong afterwards ends with the target as it was. Rejects only while nothing has been touched.
 */
export async function migrate(context: CommandContext, asked: MigrateSettings): Promise<Result> {
  const { log, report } = context;
  await using ready = await log.phase('preflight', async (phaseLog) => {
    const value = await preflight(context, asked, phaseLog);
    log.headline(headline(value));
    return { fact: preflightFact(value), value };
  });
  const settings = { ...asked, jobs: ready.jobs };
  const { lock, migrator, database } = ready;
  report.pending(ready.pending);
  const journal = beginJournal(context, 'migrate', ready);
  if (lock === null || journal === null || migrator === null || ready.pending.length === 0)
    return 'up-to-date';

  await using backup = await takeBackup(context, settings, ready, {
    fallbackName: database.copyName('fallback', context.run.id),
    keepUnproved: false,
    journal,
  });

  // Later: rehearse and quiesce stand here, between a stored backup and the migration.
  const { baseline, deployment } = await refuseOnFailure(context, ready, { backup, journal }, () =>
    deployMigrations(context, {
      database,
      migrator,
      pending: ready.pending,
      timeoutMs: settings.migrationTimeoutMs,
      begin: async (phaseLog) => {
        await lock.assertHeld();
        const { signal } = unlessLost(context, lock);
        signal.throwIfAborted();
        const baseline = await interruptible(signal, database, () =>
          takeBaseline(
            database,
            migrator,
            {
              ...backup,
              history: ready.history,
              targetOid: ready.facts.oid,
              properties: ready.facts.properties,
            },
            { exact: settings.onNewWrites === 'stop', jobs: settings.jobs, signal },
            phaseLog,
          ),
        );
        context.signal.throwIfAborted();
        await journal.enter('migrate', {
          baseline: {
            history: historyDigest(baseline.history),
            witness: baseline.witness,
            serverTime: baseline.serverTime,
            writesBeforeMigration: baseline.writesBeforeMigration.length,
            migrator: migrator.kind,
            recovery: settings.recovery,
            onNewWrites: settings.onNewWrites,
          },
        });
        return baseline;
      },
    }),
  );
  if (deployment.complete) {
    report.applied(ready.pending);
    await settle(context, ready, {
      dropFallback: baseline.fallback,
      keepFailed: settings.keepFailed,
      journal,
    });
    await pruneAfterBackup(context, settings, ready, backup.record.restoreProved);
    return 'migrated';
  }
  return await recoverTarget(context, settings, {
    ready,
    lock,
    journal,
    migrator,
    baseline,
    deployment,
    backup,
  });
}

function headline(ready: Ready): string {
  const { address, server } = ready.database;
  return [
    `${address.database} at ${address.host}:${address.port}`,
    `PostgreSQL ${server.text}`,
    ...(ready.migrator === null ? [] : [`prisma ${ready.migrator.version}`]),
    countOf(ready.pending.length, 'pending migration'),
  ].join(', ');
}

/** Between the stored backup and the migration a refusal still has the fallback to drop. */
async function refuseOnFailure<T>(
  context: CommandContext,
  ready: Ready,
  { backup, journal }: { readonly backup: StoredBackup; readonly journal: RunJournal },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await settle(context, ready, { dropFallback: backup.fallback, keepFailed: null, journal });
    throw error;
  }
}
