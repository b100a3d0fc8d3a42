import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** What one client of the application went through. */
export interface WriterTally {
  /** Rows that the server acknowledged, by when the transaction was acknowledged (performance.now()). */
  readonly written: { readonly at: number; readonly id: string }[];
  /** When an established session broke under it (performance.now()). */
  readonly brokenAt: number[];
  /** Attempts to connect that were refused, with the server's SQLSTATE. */
  readonly refused: string[];
  /** Longest time without a successful write, in milliseconds. */
  longestPauseMs: number;
}

export interface Writers extends AsyncDisposable {
  readonly tallies: readonly WriterTally[];
}

/**
 * Clients that insert up to `perSecond` rows a second each and reconnect at once when their session breaks or a
 * connection is refused, as a pool does. `insert` returns the new row's id as `id`.
 */
export async function startWriters(
  url: string,
  count: number,
  options: { readonly perSecond: number; readonly insert: string },
): Promise<Writers> {
  const running = { isStopping: false };
  const tallies: WriterTally[] = [];
  const loops: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const tally: WriterTally = { written: [], brokenAt: [], refused: [], longestPauseMs: 0 };
    tallies.push(tally);
    loops.push(write(url, tally, options, running));
  }
  // Ready when everybody has written something.
  while (tallies.some((tally) => tally.written.length === 0)) await sleep(10);
  return {
    tallies,
    async [Symbol.asyncDispose]() {
      running.isStopping = true;
      await Promise.all(loops);
    },
  };
}

async function write(
  url: string,
  tally: WriterTally,
  options: { readonly perSecond: number; readonly insert: string },
  running: { readonly isStopping: boolean },
): Promise<void> {
  let lastSuccess = performance.now();
  while (!running.isStopping) {
    const client = new Client({ connectionString: url });
    // An idle session that is ended says so here; the next query fails as well and is what counts.
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      tally.refused.push(codeOf(error));
      continue;
    }
    try {
      while (!running.isStopping) {
        const { rows } = await client.query<{ id: string }>(options.insert);
        const now = performance.now();
        tally.longestPauseMs = Math.max(tally.longestPauseMs, now - lastSuccess);
        lastSuccess = now;
        for (const { id } of rows) tally.written.push({ at: now, id });
        await sleep(1000 / options.perSecond);
      }
      await client.end();
    } catch {
      tally.brokenAt.push(performance.now());
      await client.end().catch(() => {});
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
