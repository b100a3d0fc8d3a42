import type { TargetPort } from '../../database/database.ts';

/**
 * Lets a cancel reach the questions that `work` asks of the target: one that waits for a lock would otherwise be waited
 * for until the runner kills everything. For work that has changed nothing; recovery is never interrupted.
 */
export async function interruptible<T>(
  signal: AbortSignal,
  database: Pick<TargetPort, 'interrupt'>,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const interrupt = (): void => database.interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await work();
  } catch (error) {
    // What was interrupted says so in other words.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}
