import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import { identifier, literal } from '../../sql-text.ts';
import { markLimitBytes } from '../copy/copy-mark.ts';
import { coordinationName } from '../copy/copy-name.ts';
import { type Maker, openToOwner, readMaker } from '../copy/private-database.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { isTrustedOwner } from '../session/trusted-owner.ts';
import { lockedError, tryLock } from './advisory-lock.ts';
import { coordinationMark, readCoordinationMark } from './coordination-mark.ts';

/** Each round is lost only to another run that creates, drops or leaves at the same moment. */
const attempts = 30;
const pauseMs = 50;

/** duplicate_database, and unique_violation when two create it at the very same time. */
const alreadyThere = new Set(['42P04', '23505']);

/** invalid_catalog_name, and internal_error ("tuple concurrently updated"): another run opened or dropped it meanwhile. */
const goneMeanwhile = new Set(['3D000', 'XX000']);

/** How long our own session is waited for: the server forgets it a moment after psql has ended. */
const ownSessionTimeoutMs = 2_000;

const stateRow = z.object({
  comment: z.string().nullable(),
  owner: z.string(),
  isTrusted: z.boolean(),
  isInvalid: z.boolean(),
  isClosed: z.boolean(),
  sessions: z.array(z.number()),
});

/**
 * Takes the run's lock in the coordination database, which is created when there is none; `elsewhere` is a session
 * in any other database. Resolves with the session that holds the lock, or null when the role may not act for the target's
 * owner (what it made would be nobody's whom later runs believe), or there is no such database and it may not create one.
 * Rejects with SM_LOCKED, with SM_NAME_TAKEN when a database of that name is not ours, or with SM_FOREIGN_DATABASE when it
 * belongs to a role that no run on this target would have given it to.
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
  const maker = await readMaker(elsewhere, target);
  if (!maker.actsForOwner) {
    // An earlier version let such a role make one.
    await dropCoordination(elsewhere, target);
    return null;
  }
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (attempt > 1) await sleep(pauseMs * Math.random());
    if (!(await ensureDatabase(elsewhere, target, name, maker))) return null;
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
    let state = await readState(elsewhere, target);
    while (state?.sessions.some((pid) => pid === closedPid) && Date.now() < deadline) {
      await sleep(pauseMs);
      state = await readState(elsewhere, target);
    }
    if (state === undefined || state.sessions.length > 0) return;
    // One that this run was in was looked at then; the target may have got another owner since.
    if (!state.isTrusted && closedPid === null) return;
    if (readCoordinationMark(target, state.comment) !== 'idle') return;
    await elsewhere.execute(`DROP DATABASE ${identifier(name)}`);
  } catch (error) {
    // In use by a run that came in this moment, dropped by it already, or owned by another role.
    if (!(error instanceof SqlError)) throw error;
  }
}

async function readState(session: SqlSession, target: string): Promise<z.infer<typeof stateRow> | undefined> {
  const [state] = await session.query(
    // -2 marks what an interrupted DROP DATABASE left behind.
    `SELECT pg_catalog.left(pg_catalog.shobj_description(d.oid, 'pg_database'), ${markLimitBytes}) AS "comment",
            pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner", s.isTrusted AS "isTrusted",
            d.datconnlimit = -2 AS "isInvalid", NOT d.datallowconn AS "isClosed",
            -- Only autovacuum has no user; DROP DATABASE ends it by itself.
            ARRAY(SELECT a.pid FROM pg_catalog.pg_stat_activity a
                   WHERE a.datid = d.oid AND a.usesysid IS NOT NULL) AS "sessions"
       FROM pg_catalog.pg_database d, LATERAL (SELECT ${isTrustedOwner('d.datdba', target)}) AS s(isTrusted)
      WHERE d.datname = ${literal(coordinationName(target))}`,
    stateRow,
  );
  return state;
}

/** Whether there is a coordination database now. */
async function ensureDatabase(
  elsewhere: SqlSession,
  target: string,
  name: string,
  { owner, mayCreate }: Maker,
): Promise<boolean> {
  const state = await readState(elsewhere, target);
  if (state !== undefined && !state.isTrusted) throw foreignCoordination(name, state.owner, target);
  if (state?.isInvalid === true) {
    if (readCoordinationMark(target, state.comment) !== null) await dropCoordination(elsewhere, target);
    return true;
  }
  if (state?.isClosed === false) return true;
  if (state === undefined && !mayCreate) return false;
  try {
    // Closed at first: nobody else needs to be in it, and who is in it could hold the lock against everybody.
    if (state === undefined) {
      await elsewhere.execute(
        `CREATE DATABASE ${identifier(name)} OWNER ${identifier(owner)} TEMPLATE template0 ALLOW_CONNECTIONS false`,
      );
    }
    await openToOwner(elsewhere, name);
  } catch (error) {
    const isRace =
      error instanceof SqlError && (alreadyThere.has(error.sqlState) || goneMeanwhile.has(error.sqlState));
    if (!isRace) throw error;
  }
  return true;
}

function foreignCoordination(name: string, owner: string, target: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_FOREIGN_DATABASE',
    message: `There is a database ${name}, whose name says that runs on ${target} are kept apart by it, and it belongs to ${owner}, who may not act for the owner of ${target}. Nothing that stands in it is believed.`,
    hint: `Remove it, as a superuser or as ${owner}: DROP DATABASE ${identifier(name)}; Nothing is lost by that: if ${owner} runs backups, an earlier version of safe-migrate has left it, otherwise somebody has put it there. Only if ${owner} owned ${target} until now, give it back to him first (ALTER DATABASE … OWNER TO …) and run again: what stands there may have to be finished.`,
    docs: 'security.md',
    phase: 'preflight',
  });
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
    // Another run has created it this moment, and is about to open it.
    if (error instanceof SafeMigrateError && /not currently accepting connections/.test(error.message))
      return null;
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
            pg_catalog.pg_has_role(d.datdba, 'USAGE') AS "isOwner",
            d.datacl IS NULL AND d.datdba = (SELECT t.datdba FROM pg_catalog.pg_database t WHERE t.datname = ${literal(target)})
              AS "isPublic",
            pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner", ${isTrustedOwner('d.datdba', target)} AS "isTrusted"
       FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`,
    z.object({
      comment: z.string().nullable(),
      isUsed: z.boolean(),
      isOwner: z.boolean(),
      isPublic: z.boolean(),
      owner: z.string(),
      isTrusted: z.boolean(),
    }),
  );
  // Another one may have taken the name since it was looked at.
  if (state?.isTrusted === false) throw foreignCoordination(name, state.owner, target);
  // Earlier versions left it open to everybody. A superuser's own stays so: others who run here have to get in.
  if (state?.isPublic === true && state.isOwner) await openToOwner(session, name);
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
