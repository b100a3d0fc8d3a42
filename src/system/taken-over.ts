import { SafeMigrateError } from './errors.ts';

/** Codes of the errors that say so. */
export const takenOverCodes: ReadonlySet<string> = new Set(['SM_LOCKED', 'SM_LOCK_LOST', 'SM_JOURNAL_TAKEN']);

/** Whether an error says that this run has no say any more, because another one has the lock or had it meanwhile. */
export function isTakenOver(error: unknown): boolean {
  return error instanceof SafeMigrateError && takenOverCodes.has(error.code);
}
