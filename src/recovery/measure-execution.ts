import { z } from 'zod';
import type { PhaseLog } from '../report/run-log.ts';
import { SafeMigrateError } from '../system/errors.ts';
import type { Evidence } from './evidence.ts';
import type { RecoveryRequest } from './recovery-request.ts';

const probeTimeoutMs = 60_000;

/**
 * Lets this very Prisma run a two-statement script that fails in its second statement, in the coordination
 * database of this run, and looks whether the first one stayed. Up to 7.3 the engine sends a script as one
 * query, from 7.4 statement by statement; which of the two is at work is measured, not assumed.
 * Whatever goes wrong here means `not-measurable`, and then the swap is taken.
 */
export async function measureExecution(
  request: Pick<RecoveryRequest, 'database' | 'migrator' | 'lock'>,
  log: PhaseLog,
): Promise<Exclude<Evidence['execution'], 'not-measured'>> {
  const { database, migrator, lock } = request;
  const { deployProbe } = migrator;
  if (lock.coordinationDatabase === null || deployProbe === null) return 'not-measurable';
  try {
    // `migrate deploy` creates a database that is not there.
    await lock.assertHeld();
    const url = database.urlOf(lock.coordinationDatabase);
    const probe = await deployProbe(url, AbortSignal.timeout(probeTimeoutMs));
    // Without Prisma's failed row the script never ran there, and the table's absence proves nothing.
    const [outcome] = await database.queryIn(
      lock.coordinationDatabase,
      `SELECT to_regclass('public.safe_migrate_probe') IS NOT NULL AS "stayed"
         FROM public._prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL`,
      z.object({ stayed: z.boolean() }),
    );
    // Any other code (P3009: an earlier run's probe is still there) means that it did not run now.
    if (outcome === undefined || probe.errorCode !== 'P3018') return 'not-measurable';
    return outcome.stayed ? 'by-statement' : 'one-query';
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    log.detail(`could not be measured: ${error.message}`);
    return 'not-measurable';
  }
}
