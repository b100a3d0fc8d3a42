import { setTimeout as sleep } from 'node:timers/promises';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';

const retryMs = 1_000;
const passing = new Set(['SM_CONNECTION_LOST', 'SM_UNREACHABLE', 'SM_CONNECTION']);

/**
 * Does `work`, again and again while the server cannot be reached: one that crashed with the migration is
 * back in a moment, and only then can be said what it holds. Rejects with the last error `timeoutMs` after the first.
 */
export async function whenReachable<T>(
  work: () => Promise<T>,
  log: Pick<PhaseLog, 'detail'>,
  timeoutMs = 120_000,
): Promise<T> {
  // From the first failure on: what went well until then may have taken long.
  let deadline: number | null = null;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof SafeMigrateError && passing.has(error.code);
      if (!mayPass || (deadline !== null && Date.now() >= deadline)) throw error;
      if (deadline === null) log.detail(`${error.message}; trying again for up to ${timeoutMs / 1000} s`);
      deadline ??= Date.now() + timeoutMs;
      await sleep(retryMs);
    }
  }
}
