import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SafeMigrateError } from '../../system/errors.ts';
import { lockedError, tryLock } from './advisory-lock.ts';
import { coordinationMark, readCoordinationMark } from './coordination-mark.ts';
import { coordinationName } from './copy-name.ts';
import type { PostgresServer, SqlSession } from './server.ts';
import { SqlError } from './sql-errors.ts';
import { identifier, literal } from './sql-text.ts';

/** Each round is lost only to another run that creates, drops or leaves at the same moment. */
const attempts = 30;
const pauseMs = 50;

/** duplicate_database, and unique_violation when two create it at the very same time. */
const alreadyThere = new Set(['42P04', '23505']);

/** How long our own session is waited for: the server forgets it a moment after psql has ended. */
const ownSessionTimeoutMs = 2_000;

const stateRow = z.object({
  comment: z.string().nullable(),
  isInvalid: z.boolean(),
  sessions: z.array(z.number()),
});

/**
 * Takes the run's lock in the coordination database, which is created when there is none; `elsewhere` is a session
 * in any other database. Resolves with the session that holds the lock, or null when there is no such database and the role may
 * not create one. Rejects with SM_LOCKED, or with SM_NAME_TAKEN when a database of that name is not ours.
 *
 * Runs may come and go at the same time: one that is created twice is shared, one that is dropped between CREATE and
 * connect is created again, and the drop fails while somebody is connected.
 */
export async function lockCoordination(
  server: PostgresServer,
  elsewhere: SqlSession,
  applicationName: string,
): Promise<SqlSession | null> {
  const target = server.address.database;
  const name = coordinationName(target);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1) await sleep(pauseMs * Math.random());
    if (!(await ensureDatabase(elsewhere, target, name))) return null;
    const session = await connectUnlessGone(server, name, applicationName);
    if (session === null) continue;
    try {
      if (await tryLock(session)) {
        await markAsOurs(session, target, name);
        return session;
      }
      const locked = await lockedError(session, target);
      if (locked !== null) throw locked;
      await session[Symbol.asyncDispose]();
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }
  throw new SafeMigrateError({
    code: 'SM_LOCKED',
    message: `The lock on ${target} could not be taken: other runs of safe-migrate kept coming and going.`,
    hint: 'Run this job again when the others have ended.',
  });
}

/**
 * Drops the coordination database when its comment proves that it is ours and that nothing is open, and nobody is
 * connected. Otherwise it stays, which is no failure: the next run uses it and tries again.
 * `elsewhere` is a session in any other database, `closedPid` the backend of our own session there, which was closed just now.
 */
export async function dropCoordination(
  elsewhere: SqlSession,
  target: string,
  closedPid: number | null = null,
): Promise<void> {
  const name = coordinationName(target);
  const deadline = Date.now() + ownSessionTimeoutMs;
  try {
    let state = await readState(elsewhere, name);
    while (state?.sessions.some((pid) => pid === closedPid) && Date.now() < deadline) {
      await sleep(pauseMs);
      state = await readState(elsewhere, name);
    }
    if (state === undefined || state.sessions.length > 0) return;
    if (readCoordinationMark(target, state.comment) !== 'idle') return;
    await elsewhere.execute(`DROP DATABASE ${identifier(name)}`);
  } catch (error) {
    // In use by a run that came in this moment, dropped by it already, or owned by another role.
    if (!(error instanceof SqlError)) throw error;
  }
}

async function readState(session: SqlSession, name: string): Promise<z.infer<typeof stateRow> | undefined> {
  const [state] = await session.query(
    // -2 marks what an interrupted DROP DATABASE left behind.
    `SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS "comment", d.datconnlimit = -2 AS "isInvalid",
            -- Only autovacuum has no user; DROP DATABASE ends it by itself.
            ARRAY(SELECT a.pid FROM pg_catalog.pg_stat_activity a
                   WHERE a.datid = d.oid AND a.usesysid IS NOT NULL) AS "sessions"
       FROM pg_catalog.pg_database d WHERE d.datname = ${literal(name)}`,
    stateRow,
  );
  return state;
}

/** Whether there is a coordination database now. */
async function ensureDatabase(elsewhere: SqlSession, target: string, name: string): Promise<boolean> {
  const state = await readState(elsewhere, name);
  if (state !== undefined) {
    if (state.isInvalid && readCoordinationMark(target, state.comment) !== null)
      await dropCoordination(elsewhere, target);
    return true;
  }
  const [role] = await elsewhere.query(
    `SELECT rolcreatedb OR rolsuper AS "mayCreate" FROM pg_catalog.pg_roles WHERE rolname = current_user`,
    z.object({ mayCreate: z.boolean() }),
  );
  if (role?.mayCreate !== true) return false;
  try {
    await elsewhere.execute(`CREATE DATABASE ${identifier(name)} TEMPLATE template0`);
  } catch (error) {
    if (!(error instanceof SqlError) || !alreadyThere.has(error.sqlState)) throw error;
  }
  return true;
}

async function connectUnlessGone(
  server: PostgresServer,
  name: string,
  applicationName: string,
): Promise<SqlSession | null> {
  try {
    return await server.connect(name, { applicationName });
  } catch (error) {
    if (error instanceof SafeMigrateError && error.code === 'SM_NO_DATABASE') return null;
    throw error;
  }
}

/**
 * Creating and marking are two statements, so that a run can die between them. The holder of the lock therefore marks
 * what bears our name and is empty; anything else of that name is somebody else's.
 */
async function markAsOurs(session: SqlSession, target: string, name: string): Promise<void> {
  const [state] = await session.query(
    `SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS "comment",
            EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384) AS "isUsed",
            pg_catalog.pg_has_role(d.datdba, 'USAGE') AS "isOwner"
       FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`,
    z.object({ comment: z.string().nullable(), isUsed: z.boolean(), isOwner: z.boolean() }),
  );
  if (readCoordinationMark(target, state?.comment ?? null) !== null) return;
  if (state === undefined || state.comment !== null || state.isUsed) {
    throw new SafeMigrateError({
      code: 'SM_NAME_TAKEN',
      message: `There is a database ${name} that safe-migrate did not make; it needs that name to keep runs apart.`,
      hint: `Rename that database, e.g. ALTER DATABASE ${identifier(name)} RENAME TO …; and run again.`,
      docs: 'postgresql.md',
    });
  }
  // One that another role has made and died over serves as well; it just is not ours to drop.
  if (state.isOwner) {
    await session.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(coordinationMark(target))}`);
  }
}
