import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';

/** Before the second and the third attempt. */
const pausesMs = [1_000, 5_000];

/** A content that ended before its end, without an error of the connection. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
}

/**
 * Reads again from the beginning what broke off: a cut connection must not refuse an emergency rollback. What a storage says
 * itself (not there, not allowed, not what was stored) is final. Rejects with the last attempt's error.
 *
 * @param what for the warning
 */
export async function beginAnew<T>(
  what: string,
  { signal, warn }: { readonly signal: AbortSignal; readonly warn: (line: string) => void },
  read: () => Promise<T>,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await read();
    } catch (error) {
      if (signal.aborted || !isOfConnection(error)) throw error;
      warn(`${what} broke off and is read anew: ${messageOf(error)}`);
      // Rejects when it is stopped, which the next attempt says as well.
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
  return read();
}

/** Errors of streams are not ours: a connection's. A service that fails was asked again by the storage itself. */
function isOfConnection(error: unknown): boolean {
  if (!(error instanceof SafeMigrateError)) return true;
  return error.code === 'SM_STORAGE_UNREACHABLE';
}
