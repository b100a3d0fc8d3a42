/**
 * The result of `work`, or a rejection as soon as the signal is aborted. The SDK heeds a signal only while a
 * request is under way, not in its pauses between attempts, which grow to 20 s.
 */
export async function untilStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // Whoever stops waiting must not be hurt by what comes of it later.
  work.catch(() => {});
  signal.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
