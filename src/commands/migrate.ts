import { takeBaseline } from '../recovery/baseline.ts';
import { countOf } from '../report/quantity.ts';
import type { Result } from '../report/report.ts';
import type { CommandContext } from './context.ts';
import { deployMigrations } from './deploy-migrations.ts';
import { preflight, preflightFact, type Ready } from './preflight.ts';
import { recoverTarget } from './recover-target.ts';
import type { MigrateSettings } from './settings.ts';
import { settle } from './settle.ts';
import { type StoredBackup, takeBackup } from './take-backup.ts';

/**
 * The whole story: nothing is touched before the backup has been restored, compared and stored, and whatever
 * goes wrong afterwards ends with the target as it was. Rejects only while nothing has been touched.
 */
export async function migrate(context: CommandContext, settings: MigrateSettings): Promise<Result> {
  const { log, report } = context;
  await using ready = await log.phase('preflight', async (phaseLog) => {
    const value = await preflight(context, settings, phaseLog);
    log.headline(headline(value));
    return { fact: preflightFact(value), value };
  });
  const { lock, migrator, database } = ready;
  report.pending(ready.pending);
  if (lock === null || migrator === null || ready.pending.length === 0) return 'up-to-date';

  await using backup = await takeBackup(context, settings, ready, {
    fallbackName: database.copyName('fallback', context.run.id),
    keepUnproved: false,
  });

  // Later: rehearse and quiesce stand here, between a stored backup and the migration.
  const { baseline, deployment } = await refuseOnFailure(context, ready, backup, () =>
    deployMigrations(context, {
      database,
      migrator,
      pending: ready.pending,
      // Later: the journal is written at the end of this.
      begin: async (phaseLog) => {
        await lock.assertHeld();
        context.signal.throwIfAborted();
        return takeBaseline(
          database,
          migrator,
          {
            ...backup,
            history: ready.history,
            targetOid: ready.facts.oid,
            properties: ready.facts.properties,
          },
          { exact: settings.onNewWrites === 'stop', jobs: settings.jobs, signal: context.signal },
          phaseLog,
        );
      },
    }),
  );
  if (deployment.complete) {
    report.applied(ready.pending);
    await settle(context, ready, { dropFallback: baseline.fallback, keepFailed: settings.keepFailed });
    return 'migrated';
  }
  return await recoverTarget(context, settings, { ready, lock, migrator, baseline, deployment, backup });
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
  backup: StoredBackup,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await settle(context, ready, { dropFallback: backup.fallback, keepFailed: null });
    throw error;
  }
}
