import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What may pile up before it is cleared away. Clearing takes about a millisecond. */
const toleratedBytes = 8 * 1024 ** 2;

type Collect = (options: { readonly type: 'minor' }) => void;

/**
 * Clears away the buffers of a stream that were read and done with, every 8 MiB of them. Left to itself V8 counts
 * memory outside of its heap generously: a download that is only hashed held over 100 MiB of buffers that nobody
 * used any more (measured), half of what the whole action may take.
 */
export class YoungGarbage {
  #collect: Collect | null | undefined;
  #bytes = 0;

  /** So many bytes were read and done with. */
  add(sizeBytes: number): void {
    this.#bytes += sizeBytes;
    if (this.#bytes < toleratedBytes) return;
    this.#bytes = 0;
    this.#collect ??= collector();
    this.#collect?.({ type: 'minor' });
  }
}

/** V8's own function, which a program only gets by asking; null where there is none. */
function collector(): Collect | null {
  setFlagsFromString('--expose-gc');
  try {
    const collect: unknown = runInNewContext('globalThis.gc');
    return typeof collect === 'function' ? (options) => void collect(options) : null;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
