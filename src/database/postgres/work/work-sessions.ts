import { z } from 'zod';
import type { PreparedWork, WorkSession } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { utc } from './prisma-lock.ts';

const sessionRow: z.ZodType<WorkSession> = z.object({
  pid: z.number(),
  applicationName: z.string(),
  user: z.string(),
  backendStart: z.string(),
  clientPort: z.number().nullable(),
  isAtWork: z.boolean(),
  query: z.string(),
});

/**
 * The sessions of clients in this session's database that began at `since` or later, or bear `applicationName`. Of other roles'
 * sessions an ordinary role sees name and user only: without their start they are here by name alone.
 */
export function readWorkSessions(
  session: SqlSession,
  { since, applicationName }: { readonly since: string; readonly applicationName: string },
): Promise<readonly WorkSession[]> {
  return session.query(
    // A lock that is still held belongs to a backend that is still there, whatever pg_stat_activity says of it.
    `SELECT a.pid AS "pid", coalesce(a.application_name, '') AS "applicationName", coalesce(a.usename::text, '') AS "user",
            coalesce(${utc('a.backend_start')}, '') AS "backendStart", a.client_port AS "clientPort",
            coalesce(a.state <> 'idle', false)
              OR EXISTS (SELECT FROM pg_catalog.pg_locks l
                          WHERE l.pid = a.pid AND l.locktype = 'transactionid' AND l.granted) AS "isAtWork",
            coalesce(a.query, '') AS "query"
       FROM pg_catalog.pg_stat_activity a
      WHERE a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        AND a.backend_type = 'client backend' AND a.pid <> pg_catalog.pg_backend_pid()
        AND (a.backend_start >= ${literal(since)}::timestamptz OR a.application_name = ${literal(applicationName)})
      ORDER BY a.pid`,
    sessionRow,
  );
}

/** Which of these processes are still there, or still hold a lock: a transaction is over when its locks are gone. */
export async function stillThere(session: SqlSession, pids: readonly number[]): Promise<readonly number[]> {
  if (pids.length === 0) return [];
  const list = pids.map(Math.trunc).join(', ');
  const rows = await session.query(
    `SELECT pid AS "pid" FROM pg_catalog.pg_stat_activity WHERE pid IN (${list})
     UNION SELECT pid FROM pg_catalog.pg_locks WHERE pid IN (${list})`,
    z.object({ pid: z.number() }),
  );
  return rows.map(({ pid }) => pid);
}

const preparedRow: z.ZodType<PreparedWork> = z.object({ gid: z.string(), owner: z.string() });

/** Transactions that were prepared in this session's database at `since` or later. */
export function readPreparedWork(session: SqlSession, since: string): Promise<readonly PreparedWork[]> {
  return session.query(
    `SELECT gid AS "gid", owner::text AS "owner" FROM pg_catalog.pg_prepared_xacts
      WHERE database = pg_catalog.current_database() AND prepared >= ${literal(since)}::timestamptz ORDER BY gid`,
    preparedRow,
  );
}

/** False when the role may not, or when it is gone. */
export async function rollbackPrepared(session: SqlSession, gid: string): Promise<boolean> {
  try {
    await session.execute(`ROLLBACK PREPARED ${literal(gid)}`);
    return true;
  } catch (error) {
    if (error instanceof SqlError) return false;
    throw error;
  }
}
