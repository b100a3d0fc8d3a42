import type { RunLock } from '../../database/database.ts';
import type { CommandContext } from './context.ts';

/** The context for work that must end when this run's lock is lost: somebody else may have begun by then. */
export function unlessLost(context: CommandContext, lock: RunLock | null): CommandContext {
  return lock === null ? context : { ...context, signal: AbortSignal.any([context.signal, lock.lost]) };
}
