import type { CopiesPort } from '../../database/database.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';

/** Drops the copies that a dead run has made; kept failed databases are none. Rejects with SM_DROP_FAILED. */
export async function dropCopiesOf(
  database: Pick<CopiesPort, 'claimCopy' | 'copyName' | 'dropCopy'>,
  run: string,
  log: PhaseLog,
): Promise<void> {
  for (const kind of ['fallback', 'rehearsal', 'scratch'] as const) {
    await database.claimCopy(kind, run);
    await database.dropCopy(database.copyName(kind, run)).catch((error: unknown) => {
      if (!(error instanceof SafeMigrateError) || error.code !== 'SM_NOT_A_COPY') throw error;
      // Somebody else's, and the run is finished without it.
      log.warn(error.message);
    });
  }
}
