import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { SqlSession } from '../server/server.ts';

/**
 * Key of the run's lock, in the two-number form (pg_locks: classid, objid, objsubid 2). Advisory locks belong to a
 * database, so that one key serves the target and its coordination database. 0x536D6967 reads `Smig`.
 */
const lockClass = 0x53_6d_69_67;
const lockObject = 1;

/** Who is at work, as others are told. */
export interface RunHolder {
  readonly run: string;
  /** e.g. `owner/repo run 123`. */
  readonly description: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

/** NAMEDATALEN - 1: the server cuts the rest. */
const nameLimit = 63;
const namePattern = /^safe-migrate (\S+) ([0-9a-z]{6,7})(?: (.*))?$/;

/**
 * The holder as `application_name`: the only field of a session that other roles can read. ASCII only, since the
 * server replaces everything else. The start is written as seconds in base 36, which leaves the description 33
 * characters; of a longer one the end is kept, where the number of the workflow run stands.
 */
export function holderName(holder: RunHolder): string {
  const seconds = Math.floor(Date.parse(holder.startedAt) / 1000).toString(36);
  const prefix = `safe-migrate ${holder.run} ${seconds} `;
  const description = holder.description.replace(/[^ -~]/g, '?').trim();
  const room = nameLimit - prefix.length;
  return `${prefix}${description.length <= room ? description : `..${description.slice(2 - room)}`}`.trimEnd();
}

/** Reads such a name back; null when it is none. */
export function parseHolderName(name: string): RunHolder | null {
  const [, run, seconds, description] = namePattern.exec(name) ?? [];
  if (run === undefined || seconds === undefined) return null;
  const startedAt = new Date(Number.parseInt(seconds, 36) * 1000).toISOString().replace('.000', '');
  return { run, startedAt, description: description ?? '' };
}

/** Takes the lock in the session's database, or says at once that somebody has it. */
export async function tryLock(session: SqlSession): Promise<boolean> {
  const [row] = await session.query(
    `SELECT pg_catalog.pg_try_advisory_lock(${lockClass}, ${lockObject}) AS "isLocked"`,
    z.object({ isLocked: z.boolean() }),
  );
  return row?.isLocked === true;
}

/** Lets the lock go while the session stays. */
export async function unlock(session: SqlSession): Promise<void> {
  await session.execute(`SELECT pg_catalog.pg_advisory_unlock(${lockClass}, ${lockObject})`);
}

const heldBy = `FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.classid = ${lockClass} AND l.objid = ${lockObject} AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`;

/** Whether this very session holds the lock. Rejects with SM_CONNECTION_LOST when the session is gone. */
export async function holdsLock(session: SqlSession): Promise<boolean> {
  const rows = await session.query(`SELECT l.pid AS "pid" ${heldBy}`, z.object({ pid: z.number() }));
  return rows.some(({ pid }) => pid === session.backendPid);
}

const holderRow = z.object({ pid: z.number(), name: z.string().nullable(), role: z.string().nullable() });

/** The refusal for a lock that another session holds in this session's database; null when it has just been let go. */
export async function lockedError(session: SqlSession, target: string): Promise<SafeMigrateError | null> {
  const [row] = await session.query(
    `SELECT l.pid AS "pid", a.application_name AS "name", a.usename::text AS "role" ${heldBy}`,
    holderRow,
  );
  if (row === undefined) return null;
  const holder = parseHolderName(row.name ?? '');
  const who =
    holder === null
      ? `session ${row.pid}`
      : `${holder.description === '' ? '' : `${holder.description}, `}run ${holder.run}, started ${holder.startedAt}`;
  return new SafeMigrateError({
    code: 'SM_LOCKED',
    message: `Another run of safe-migrate is at work on ${target}: ${who}.`,
    // Whoever may connect can take it, and call himself what he likes.
    hint: `Run this job again when that one has ended. The lock of a machine that is gone ends by itself within about a minute. If there is no such run, end the session, as a superuser or as ${row.role ?? 'its role'}: SELECT pg_terminate_backend(${row.pid});`,
    docs: 'errors.md',
  });
}
