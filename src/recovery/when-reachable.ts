import { setTimeout as sleep } from 'node:timers/promises';
import type { PhaseLog } from '../report/run-log.ts';
import { SafeMigrateError } from '../system/errors.ts';

const retryMs = 1_000;
const passing = new Set(['SM_CONNECTION_LOST', 'SM_UNREACHABLE', 'SM_CONNECTION']);

/**
 * Does `work`, again and again while the server cannot be reached: one that crashed with the migration is
 * back in a moment, and only then can be said what it holds. Rejects with the last error after `timeoutMs`.
 */
export async function whenReachable<T>(
  work: () => Promise<T>,
  log: Pick<PhaseLog, 'detail'>,
  timeoutMs = 120_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let told = false;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof SafeMigrateError && passing.has(error.code);
      if (!mayPass || Date.now() >= deadline) throw error;
      if (!told) log.detail(`${error.message}; trying again for up to ${timeoutMs / 1000} s`);
      told = true;
      await sleep(retryMs);
    }
  }
}
