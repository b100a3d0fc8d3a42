import { z } from 'zod';
import type { SqlSession } from '../server/server.ts';
import { isConnectionLost } from '../session/sql-errors.ts';
import { prismaLockKey } from './prisma-lock.ts';

/** Prisma itself gives up after ten seconds; a role that waits for less would fail where it would have worked. */
const leastPatienceMs = 10_000;
/** Once the machine froze, the server opens the gate: more than the longest time that it is kept (lock-watch.ts). */
const frozenAfter = '60s';

/** Prisma's lock, held in a session of ours. */
export interface LockGate {
  readonly pid: number;
  /** Gives the lock to whoever waits for it. */
  open(): Promise<void>;
}

/**
 * Takes Prisma's lock in the target, so that whoever wants it has to wait and is seen: Prisma may hold it for some
 * milliseconds only, and a machine that is busy looks away for longer. To be opened as soon as somebody waits.
 * Null where somebody has the lock already, or where the role's own settings end a statement that waits.
 */
export async function closeGate(use: UseTarget): Promise<LockGate | null> {
  return use(async (session) => {
    const [row] = await session.query(
      `SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_catalog.pg_settings
                                     WHERE name IN ('lock_timeout', 'statement_timeout')
                                       AND reset_val::bigint BETWEEN 1 AND ${leastPatienceMs})
                   THEN pg_catalog.pg_try_advisory_lock(${prismaLockKey}) ELSE false END AS "isClosed"`,
      z.object({ isClosed: z.boolean() }),
    );
    if (row?.isClosed !== true) return null;
    await setIdleTimeout(session, frozenAfter);
    return {
      pid: session.backendPid,
      async open() {
        try {
          await session.execute(`SELECT pg_catalog.pg_advisory_unlock(${prismaLockKey})`);
          await setIdleTimeout(session, '0');
        } catch (error) {
          // A session that was lost has given it back by its end.
          if (!isConnectionLost(error)) throw error;
        }
      },
    };
  });
}

/** Of PostgreSQL 14 and later. */
async function setIdleTimeout(session: SqlSession, value: string): Promise<void> {
  await session.execute(
    `SELECT pg_catalog.set_config(name, '${value}', false) FROM pg_catalog.pg_settings WHERE name = 'idle_session_timeout'`,
  );
}

/** Asks in the one session that this run has in the target. */
export type UseTarget = <T>(work: (session: SqlSession) => Promise<T>) => Promise<T>;
