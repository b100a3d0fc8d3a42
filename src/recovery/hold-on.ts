import type { ReadyCopy } from './baseline.ts';
import type { RecoveryRequest } from './recovery-request.ts';

/** Stands in the journal while the failed row is taken out of the history: whoever finds it gone knows by whom. */
export const takingRowOut = 'nothing but the failed row of the history is to be taken back';

/**
 * Before anything is changed: the lock is ours, again if it was lost, and nobody has finished this run meanwhile.
 * A run that was frozen ends here.
 */
export async function holdOn(
  { lock, journal }: Pick<RecoveryRequest, 'lock' | 'journal'>,
  fallback?: ReadyCopy,
  because: string | null = null,
): Promise<void> {
  await lock.regain();
  if (journal.isOpen)
    await journal.enter('recover', { because, ...(fallback === undefined ? {} : { fallback }) });
}
