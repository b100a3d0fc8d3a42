import type { ReadyCopy } from './baseline.ts';
import type { RecoveryRequest } from './recover.ts';

/**
 * Before anything is changed: the lock is ours, again if it was lost, and nobody has finished this run meanwhile.
 * A run that was frozen ends here.
 */
export async function holdOn(
  { lock, journal }: Pick<RecoveryRequest, 'lock' | 'journal'>,
  fallback?: ReadyCopy,
): Promise<void> {
  await lock.regain();
  if (journal.isOpen) await journal.enter('recover', fallback === undefined ? {} : { fallback });
}
