import type { HashLine } from './hash-stream.ts';

/** Lines in ascending order of their keys, in portions; an empty portion is the end. */
interface SortedLines {
  nextLines(): Promise<readonly HashLine[]>;
}

/**
 * Walks two sorted streams side by side and hands over, for every key, the values that each side has for it.
 * Holds no more than one portion of each and the values of one key.
 */
export async function mergeHashes(
  left: SortedLines,
  right: SortedLines,
  onKey: (key: string, left: readonly string[], right: readonly string[]) => void,
): Promise<void> {
  const [a, b] = [new Reader(left), new Reader(right)];
  for (;;) {
    const [keyA, keyB] = [await a.key(), await b.key()];
    if (keyA === null && keyB === null) return;
    const order = keyA === null ? 1 : keyB === null ? -1 : compare(keyA, keyB);
    const key = order <= 0 ? keyA : keyB;
    if (key === null) return;
    onKey(key, order <= 0 ? await a.take(key) : [], order >= 0 ? await b.take(key) : []);
  }
}

/** BigInt only where it decides: most keys are the same on both sides, and parsing twenty million of them takes its time. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return BigInt(a) < BigInt(b) ? -1 : 1;
}

class Reader {
  readonly #source: SortedLines;
  #lines: readonly HashLine[] = [];
  #position = 0;
  #isOver = false;

  constructor(source: SortedLines) {
    this.#source = source;
  }

  /** The key that comes next; null at the end. */
  async key(): Promise<string | null> {
    while (this.#position === this.#lines.length && !this.#isOver) {
      this.#lines = await this.#source.nextLines();
      this.#position = 0;
      this.#isOver = this.#lines.length === 0;
    }
    return this.#lines[this.#position]?.key ?? null;
  }

  /** The values of all lines with this key, which comes next. */
  async take(key: string): Promise<readonly string[]> {
    const values: string[] = [];
    while ((await this.key()) === key) {
      values.push(this.#lines[this.#position]?.value ?? '');
      this.#position += 1;
    }
    return values;
  }
}
