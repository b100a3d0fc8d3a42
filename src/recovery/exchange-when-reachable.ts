import type { PhaseLog } from '../report/run-log.ts';
import type { ReadyCopy } from './baseline.ts';
import { holdOn } from './hold-on.ts';
import type { RecoveryRequest } from './recovery-request.ts';
import { whenReachable } from './when-reachable.ts';

/**
 * Exchanges names, and does it again when the server went away in the middle and came back: its transaction happened
 * as a whole or not at all, and an exchange that does not know which rejects with another error than a lost connection.
 * Each time the lock is taken again first, so that nobody else has gone on meanwhile.
 */
export function exchangeWhenReachable<T>(
  held: Pick<RecoveryRequest, 'lock' | 'journal'>,
  fallback: ReadyCopy,
  exchange: () => Promise<T>,
  log: PhaseLog,
): Promise<T> {
  let isRepeated = false;
  return whenReachable(async () => {
    if (isRepeated) await holdOn(held, fallback);
    isRepeated = true;
    return await exchange();
  }, log);
}
