import { setTimeout as sleep } from 'node:timers/promises';
import { stoppedBy } from '../port/stopped.ts';
import { AnswerError, isUnreachable } from './artifact-errors.ts';

/** Before the second, third and fourth attempt. */
const pausesMs = [300, 1_500, 5_000];
/** GitHub may ask for an hour: a job does not wait so long, and its error says so. */
const longestPauseMs = 60_000;

/**
 * Asks again what has no effect, or the same effect twice, when the connection broke, the service failed, or it asked for
 * patience: one lost packet must not refuse an emergency rollback. Rejects with the last attempt's error.
 */
export async function readAgain<T>(url: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const pauseMs = pauseAfter(error, pausesMs[attempt]);
      if (pauseMs === null || signal.aborted) throw error;
      await sleep(pauseMs, undefined, { signal }).catch(() => {
        throw stoppedBy(signal, url);
      });
    }
  }
}

/** How long to wait; null when it is over. */
function pauseAfter(error: unknown, usualMs: number | undefined): number | null {
  if (usualMs === undefined) return null;
  if (!(error instanceof AnswerError)) return isUnreachable(error) ? usualMs : null;
  if (error.retryAfterMs !== null) {
    return error.retryAfterMs <= longestPauseMs ? Math.max(error.retryAfterMs, usualMs) : null;
  }
  const mayPass = error.status === 408 || error.status === 429 || error.status >= 500;
  return mayPass ? usualMs : null;
}
