import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import { Secret } from '../../../system/secret.ts';
import type { ComparedSchema, ScratchDatabase, ScratchServer } from '../../scratch-server.ts';
import { identifier, literal } from '../../sql-text.ts';
import { connectServer, type ToolPlaces } from '../connect/connect.ts';
import { copyMark } from '../copy/copy-mark.ts';
import { copyName } from '../copy/copy-name.ts';
import { dropCopy } from '../copy/drop-copy.ts';
import { commitLazily } from '../copy/lazy-commits.ts';
import { readSchemaText } from '../schema/schema-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import type { ConnectionTarget } from '../server/url.ts';
import { readServerIdentity } from '../session/server-identity.ts';
import { SqlError } from '../session/sql-errors.ts';
import { type Copy, compareWithMigrations } from './compare-with-migrations.ts';

/**
 * Connects to the server that `target` names. The database in the URL is only where CREATE DATABASE is run from.
 * Rejects as connectServer does. `warn` is told about databases that could not be dropped.
 */
export async function openScratchServer(
  target: ConnectionTarget,
  places: ToolPlaces,
  run: string,
  warn: (line: string) => void,
): Promise<ScratchServer> {
  const server = await connectServer(target, places);
  const admin = await server.connect(server.address.database, { applicationName: 'safe-migrate check' });
  const made: ScratchDatabase[] = [];
  let count = 0;

  const create = async (schema: string): Promise<ScratchDatabase> => {
    // One digit more for each: a run makes a handful, some of them at the same time.
    const mark = { kind: 'scratch', target: server.address.database, run: `${run}${count}` } as const;
    count += 1;
    const name = copyName(mark.target, mark.kind, mark.run);
    try {
      await admin.execute(`CREATE DATABASE ${identifier(name)} TEMPLATE template0 ENCODING 'UTF8'`);
    } catch (cause) {
      throw cause instanceof SqlError ? cannotCreate(cause) : cause;
    }
    const database = { name, url: withSchema(target.urlOf(name), schema) };
    made.push(database);
    await admin.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(copyMark(mark))}`);
    await commitLazily(admin, name);
    return database;
  };

  const makeCopy = async (sessions: SqlSession[], signal: AbortSignal): Promise<Copy> => {
    const { name } = await create('public');
    const session = await server.connect(name, { applicationName: 'safe-migrate check' });
    sessions.push(session);
    return { session, read: () => readCompared(server, name, signal) };
  };

  const compare: ScratchServer['compare'] = async ({ actual, expected, schema, prismaScript }, signal) => {
    const sessions: SqlSession[] = [];
    const end = (): void => {
      for (const session of sessions) session.kill();
    };
    signal.addEventListener('abort', end, { once: true });
    try {
      return await compareWithMigrations({
        actual,
        expected: await readCompared(server, expected.name, signal),
        schema,
        prismaScript,
        makeCopy: () => makeCopy(sessions, signal),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', end);
      for (const session of sessions) await session[Symbol.asyncDispose]();
    }
  };

  return {
    address: server.address,
    identity: await readServerIdentity(admin),
    serverMajor: server.version.major,
    create,
    schemaOf: (database, signal) => readCompared(server, database.name, signal),
    compare,
    async [Symbol.asyncDispose]() {
      for (const { name } of made) {
        await dropCopy(admin, server.address.database, name, server.address.user).catch((error: unknown) => {
          warn(
            `the scratch database ${name} could not be dropped: ${error instanceof Error ? error.message : error}`,
          );
        });
      }
      await admin[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Reads what compareWithMigrations compares of a database; changes nothing. */
export async function readCompared(
  server: PostgresServer,
  database: string,
  signal: AbortSignal,
): Promise<ComparedSchema> {
  await using session = await server.connect(database, { applicationName: 'safe-migrate check' });
  const source = { database, applicationName: 'safe-migrate check' };
  const text = await readSchemaText(server, source, signal);
  return { text, ...(await ownerAndExtensions(session)) };
}

async function ownerAndExtensions(
  session: SqlSession,
): Promise<Pick<ComparedSchema, 'owner' | 'extensions'>> {
  const [row] = await session.query(
    `SELECT pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner",
            ARRAY(SELECT pg_catalog.jsonb_build_object('name', e.extname, 'schema', n.nspname)
                    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                   WHERE e.extname <> 'plpgsql' ORDER BY e.extname) AS "extensions"
       FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()`,
    z.object({
      owner: z.string(),
      extensions: z.array(z.object({ name: z.string(), schema: z.string() })),
    }),
  );
  if (row === undefined) throw new TypeError('the database that this session is in is not there');
  return row;
}

function withSchema(url: Secret, schema: string): Secret {
  const changed = new URL(url.reveal());
  changed.searchParams.set('schema', schema);
  return new Secret(changed.href);
}

function cannotCreate(cause: SqlError): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_SCRATCH',
    message: `no scratch database could be made on the server of shadow-database-url: ${cause.primaryMessage}`,
    hint: 'Its role needs CREATEDB. The usual server is a service container of the same job.',
    docs: 'check.md',
    cause,
  });
}
