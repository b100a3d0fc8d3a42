import type { PostgresServer, SqlSession } from '../server/server.ts';
import { readingSession } from '../session/reading-sessions.ts';

/** One piece of reading that any of the sessions may do. */
export type ReadingTask = (session: SqlSession) => Promise<void>;

/** A snapshot that a transaction of another session keeps open. */
export interface ExportedSnapshot {
  readonly database: string;
  /** What pg_export_snapshot() returned. */
  readonly snapshotId: string;
}

/** SQL that starts a transaction that reads in one snapshot, which is taken by its first query. */
export const beginReading = 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY';

/**
 * Does `work` with `session`, which is ended as soon as the signal is aborted: even a list of tables waits for
 * whoever holds one of them (their sizes need a lock). Rejects with the signal's reason then.
 */
export async function endingOnAbort<T>(
  session: SqlSession,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const end = (): void => session.kill();
  signal.addEventListener('abort', end, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

export interface ReadingOptions {
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** How long a table may be locked by somebody else; without it: for ever. */
  readonly lockTimeoutSeconds?: number;
}

/** SQL that keeps a session from waiting for a lock longer than that. */
export function lockTimeout({ lockTimeoutSeconds = 0 }: Pick<ReadingOptions, 'lockTimeoutSeconds'>): string {
  return `SET lock_timeout = '${lockTimeoutSeconds}s'`;
}

/**
 * Works off `tasks`, in their order, with up to `jobs` sessions that all read in the exported snapshot.
 * When a task fails or the signal is aborted, every session is ended at once; rejects with the first error or
 * the signal's reason.
 */
export async function readInSnapshot(
  server: PostgresServer,
  source: ExportedSnapshot,
  tasks: readonly ReadingTask[],
  options: ReadingOptions,
): Promise<void> {
  const failure = new AbortController();
  const stop = AbortSignal.any([options.signal, failure.signal]);
  const queue = tasks.values();

  const work = async (): Promise<void> => {
    stop.throwIfAborted();
    await using session = await server.connect(source.database, {
      applicationName: readingSession.fingerprint,
    });
    const end = (): void => session.kill();
    stop.addEventListener('abort', end, { once: true });
    try {
      await session.execute(lockTimeout(options));
      for (const task of queue) {
        stop.throwIfAborted();
        // A transaction for each: the locks of thousands of tables and their indexes would not fit into the server's
        // lock table together.
        await session.execute(`${beginReading}; SET TRANSACTION SNAPSHOT '${source.snapshotId}'`);
        await task(session);
        await session.execute('COMMIT');
      }
    } catch (error) {
      // Only the first one counts: the others fail because their session was ended on its account.
      failure.abort(error);
    } finally {
      stop.removeEventListener('abort', end);
    }
  };

  const workers = Math.min(Math.max(1, options.jobs), tasks.length);
  await Promise.allSettled(Array.from({ length: workers }, work)).then((results) => {
    // What connecting or ending a session threw; a task's own error is in `failure`.
    for (const result of results) if (result.status === 'rejected') failure.abort(result.reason);
  });
  options.signal.throwIfAborted();
  failure.signal.throwIfAborted();
}
