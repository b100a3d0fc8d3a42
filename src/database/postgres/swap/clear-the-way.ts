import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { SqlSession } from '../server/server.ts';

/** How often it is looked whether the rename has locked the name. */
const lookIntervalMs = 5;
/** How often sessions that are still there are asked to go. */
const askIntervalMs = 25;

/** A rename that is under way. */
interface Renaming {
  readonly databaseOid: number;
  readonly renamerPid: number;
  /** Process ids of the sessions that were ended; added to. */
  readonly terminated: Set<number>;
}

/**
 * Ends the sessions in a database while `renaming` waits for them to go, and settles as it does. The first one is
 * ended only once the rename holds the database's lock: from then on nobody comes in, so nobody is ended twice.
 */
export async function clearTheWay(
  terminator: SqlSession,
  state: Renaming,
  renaming: Promise<void>,
): Promise<void> {
  let isOver = false;
  const over = renaming.finally(() => {
    isOver = true;
  });
  // Awaited below; it must not count as unhandled when the terminator fails first.
  over.catch(() => {});
  const clearing = async (): Promise<void> => {
    while (!isOver && !(await isLocked(terminator, state))) await sleep(lookIntervalMs);
    while (!isOver) {
      await endSessions(terminator, state);
      await sleep(askIntervalMs);
    }
  };
  const [renamed, cleared] = await Promise.allSettled([over, clearing()]);
  // When both failed, the rename did so because nobody was ended.
  if (cleared.status === 'rejected') throw cleared.reason;
  if (renamed.status === 'rejected') throw renamed.reason;
}

async function isLocked(session: SqlSession, state: Renaming): Promise<boolean> {
  const [row] = await session.query(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_locks
                     WHERE locktype = 'object' AND classid = 'pg_catalog.pg_database'::regclass
                       AND objid = ${state.databaseOid} AND pid = ${state.renamerPid}
                       AND mode = 'AccessExclusiveLock' AND granted) AS "isLocked"`,
    z.object({ isLocked: z.boolean() }),
  );
  return row?.isLocked === true;
}

/**
 * Only those that this role may end (asking for another one is an error): its own, those of roles it is a member of,
 * all but superusers' with pg_signal_backend. By OID, which no other database will ever have.
 */
async function endSessions(session: SqlSession, state: Renaming): Promise<void> {
  const rows = await session.query(
    // MATERIALIZED: otherwise the planner may ask a session to go before it has looked whose it is.
    `WITH ours AS MATERIALIZED (
       SELECT a.pid
         FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid, pg_catalog.pg_roles me
        WHERE a.datid = ${state.databaseOid} AND me.rolname = current_user
          AND (me.rolsuper OR NOT r.rolsuper
               AND (pg_catalog.pg_has_role(r.oid, 'USAGE') OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))))
     SELECT pid AS "pid" FROM ours WHERE pg_catalog.pg_terminate_backend(pid)`,
    z.object({ pid: z.number() }),
  );
  for (const { pid } of rows) state.terminated.add(pid);
}
