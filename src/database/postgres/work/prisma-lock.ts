import { z } from 'zod';
import type { LockHolder } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { isTrustedOwner } from '../session/trusted-owner.ts';

/** Prisma Migrate runs `SELECT pg_advisory_lock(72707369)`: a bigint key, hence classid 0 and objsubid 1. */
export const prismaLockKey = 72_707_369;

type AtLock = LockHolder & { readonly isGranted: boolean };

const atLockRow: z.ZodType<AtLock> = z.object({
  pid: z.number(),
  isGranted: z.boolean(),
  applicationName: z.string(),
  user: z.string(),
  backendStart: z.string(),
  clientPort: z.number().nullable(),
});

/**
 * Who holds Prisma's lock in the session's database; null when it is free. Whoever may connect can hold it; one who
 * cannot be migrating counts only where `anybody` is asked for.
 */
export async function prismaLockHolder(session: SqlSession, anybody = false): Promise<LockHolder | null> {
  const [holder] = await atLock(
    session,
    session.database,
    anybody
      ? 'l.granted'
      : `l.granted AND (a.usesysid IS NULL OR ${mayMigrate('a.usesysid', session.database)})`,
  );
  return holder ?? null;
}

/**
 * SQL: a role that could be at work on a migration: it may become the target's owner or this role, or may write the
 * history. Where there is no history of theirs, nobody can be left out.
 */
function mayMigrate(role: string, target: string): string {
  const history = `FROM pg_catalog.pg_class h WHERE h.relname = '_prisma_migrations' AND h.relkind IN ('r', 'p') AND ${isTrustedOwner('h.relowner', target)}`;
  return `(${isTrustedOwner(role, target)} OR NOT EXISTS (SELECT ${history})
           OR EXISTS (SELECT ${history} AND pg_catalog.has_table_privilege(${role}, h.oid, 'INSERT')))`;
}

/** Who waits for Prisma's lock in the session's database; null when nobody does. */
export async function prismaLockWaiter(session: SqlSession): Promise<LockHolder | null> {
  const [waiter] = await atLock(session, session.database, 'NOT l.granted');
  return waiter ?? null;
}

/** Who holds Prisma's lock in `database` and who waits for it; may be asked from any database of the server. */
export function atPrismaLock(session: SqlSession, database: string): Promise<readonly AtLock[]> {
  return atLock(session, database, 'true');
}

function atLock(session: SqlSession, database: string, condition: string): Promise<readonly AtLock[]> {
  return session.query(
    // Sessions of other roles show name and user only.
    `SELECT l.pid AS "pid", l.granted AS "isGranted", coalesce(a.application_name, '') AS "applicationName",
            coalesce(a.usename::text, '') AS "user", a.client_port AS "clientPort",
            coalesce(${utc('a.backend_start')}, '') AS "backendStart"
       FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = ${prismaLockKey} AND l.objsubid = 1 AND ${condition}
        AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = ${literal(database)})`,
    atLockRow,
  );
}

/** SQL: a time as ISO 8601 with milliseconds, as the baseline notes it. */
export function utc(expression: string): string {
  return `pg_catalog.to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** Ends one session. False when it was gone already. Rejects when the role may not. */
export async function terminate(session: SqlSession, pid: number): Promise<boolean> {
  const [row] = await session.query(
    `SELECT pg_catalog.pg_terminate_backend(${Math.trunc(pid)}) AS "isTerminated"`,
    z.object({ isTerminated: z.boolean() }),
  );
  return row?.isTerminated === true;
}
