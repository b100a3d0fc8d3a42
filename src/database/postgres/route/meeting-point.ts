import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { MeetingPoint, ServerPlace, Visitor } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { prismaLockKey, prismaLockWaiter } from '../work/prisma-lock.ts';

const largestKey = 2 ** 31 - 1;

const identity: z.ZodType<ServerPlace> = z.object({
  database: z.string(),
  address: z.string().nullable(),
  port: z.number().nullable(),
  version: z.string(),
  startedAt: z.string(),
  systemIdentifier: z.string().nullable(),
});

/** What stands before the identity of the other server in the error of the script. */
const marker = 'safe-migrate: this is another server';

/** The identity of the server at the other end, as a jsonb; the system identifier is not for every role. */
const identityOf = (systemIdentifier: string): string => `pg_catalog.jsonb_build_object(
  'database', pg_catalog.current_database(),
  'address', pg_catalog.host(pg_catalog.inet_server_addr()), 'port', pg_catalog.inet_server_port(),
  'version', pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),
  'startedAt', pg_catalog.to_char(pg_catalog.pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  'systemIdentifier', ${systemIdentifier})`;

/**
 * Takes an advisory lock with a random key in the target, in a session of its own. Advisory locks belong to one
 * database of one server, and everybody sees them there: who waits for this one has been led to the target, whatever
 * name, port or network led there. An exit code would prove less: a wrapper that does not pass stdin on executes an
 * empty script and succeeds.
 */
export async function openMeetingPoint(
  server: PostgresServer,
  options: { readonly keepsMigratorsOut: boolean },
): Promise<MeetingPoint> {
  const session = await server.connect(server.address.database);
  try {
    if (options.keepsMigratorsOut) await takePrismaLock(session);
    const [first, second] = [randomInt(1, largestKey), randomInt(1, largestKey)];
    await session.execute(`SELECT pg_catalog.pg_advisory_lock(${first}, ${second})`);
    const ours = await readIdentity(session);
    return {
      server: ours,
      script: script(first, second),
      visitor: () => readVisitor(session, first, second),
      waitingMigrator: async () => (options.keepsMigratorsOut ? prismaLockWaiter(session) : null),
      otherServerIn,
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Never waited for, and to be given back as soon as somebody waits for it: after ten seconds Prisma gives up, and the
 * deploy of somebody else must not fail because of us.
 */
async function takePrismaLock(session: SqlSession): Promise<void> {
  const [row] = await session.query(
    `SELECT pg_catalog.pg_try_advisory_lock(${prismaLockKey}) AS "isLocked"`,
    z.object({ isLocked: z.boolean() }),
  );
  if (row?.isLocked === true) return;
  throw new SafeMigrateError({
    code: 'SM_MIGRATOR_BUSY',
    message: `another deploy is migrating ${session.database} now: it holds Prisma's lock, so migrate-command cannot be asked where it connects to`,
    hint: 'Nothing was touched. Run this job again when that deploy has ended.',
    docs: 'prisma.md',
  });
}

async function readIdentity(session: SqlSession): Promise<ServerPlace> {
  const [may] = await session.query(
    `SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS "may"`,
    z.object({ may: z.boolean() }),
  );
  const systemIdentifier =
    may?.may === true ? '(SELECT system_identifier::text FROM pg_catalog.pg_control_system())' : 'NULL::text';
  const [row] = await session.query(
    `SELECT ${identityOf(systemIdentifier)} AS "identity"`,
    z.object({ identity }),
  );
  if (row === undefined) throw new TypeError('a server without an identity');
  return row.identity;
}

const advisoryLock = (first: number, second: number): string =>
  `l.locktype = 'advisory' AND l.classid = ${first} AND l.objid = ${second} AND l.objsubid = 2
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())`;

/** Changes nothing. Where the lock is not to be seen it raises, and says where it was run. */
function script(first: number, second: number): string {
  return `DO $safe_migrate$
DECLARE
  identifier text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE ${advisoryLock(first, second)} AND l.granted) THEN
    BEGIN
      SELECT system_identifier::text INTO identifier FROM pg_catalog.pg_control_system();
    EXCEPTION WHEN OTHERS THEN
      identifier := NULL;
    END;
    RAISE EXCEPTION ${literal(`${marker} %`)}, ${identityOf('identifier')};
  END IF;
  PERFORM pg_catalog.set_config('lock_timeout', '0', true);
  PERFORM pg_catalog.pg_advisory_xact_lock_shared(${first}, ${second});
END
$safe_migrate$;
`;
}

const visitorRow: z.ZodType<Visitor> = z.object({
  applicationName: z.string(),
  address: z.string().nullable(),
});

async function readVisitor(session: SqlSession, first: number, second: number): Promise<Visitor | null> {
  const [visitor] = await session.query(
    // Sessions of other roles show their name only.
    `SELECT coalesce(a.application_name, '') AS "applicationName", pg_catalog.host(a.client_addr) AS "address"
       FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
      WHERE ${advisoryLock(first, second)} AND NOT l.granted`,
    visitorRow,
  );
  return visitor ?? null;
}

/** Reads the error of the script back out of what a tool printed; some print it as an escaped string. */
function otherServerIn(output: string): ServerPlace | null {
  for (const line of output.split('\n')) {
    const start = line.indexOf(`${marker} {`);
    if (start < 0) continue;
    const text = line.slice(start + marker.length + 1);
    for (const candidate of [text, text.replaceAll('\\"', '"')]) {
      const parsed = parseIdentity(candidate.slice(0, candidate.lastIndexOf('}') + 1));
      if (parsed !== null) return parsed;
    }
  }
  return null;
}

function parseIdentity(text: string): ServerPlace | null {
  try {
    return identity.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
