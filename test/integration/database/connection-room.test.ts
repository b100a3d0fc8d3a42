import pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../../src/database/postgres/database.ts';
import { inspect } from '../../../src/database/postgres/inspect/inspect.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { serverOf } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

test("the limits of connections that bind a role are told with what others hold, and a superuser has the server's alone", async () => {
  const { database, user } = await cluster.createOwnedDatabase('room');
  await cluster.psql(
    'postgres',
    `ALTER DATABASE "${database}" CONNECTION LIMIT 9; ALTER ROLE "${user}" CONNECTION LIMIT 11`,
  );
  const guest = `${user}_guest`;
  await cluster.createRole(guest);
  await using others = await holdOpen(cluster.url({ database, user: guest }));
  const rooms = async (url: string) => {
    const server = await serverOf(url);
    await using session = await server.connect(database);
    const { connections, serverTime } = await inspect(session, server.version);
    expect(Math.abs(Date.parse(serverTime) - Date.now())).toBeLessThan(60_000);
    return connections.map(({ of, limit, others: count }) => [of, limit, of === 'server' ? 0 : count]);
  };
  expect(await rooms(cluster.url({ database, user }))).toEqual([
    ['database', 9, 1],
    ['role', 11, 0],
    ['server', 197, 0],
  ]);
  expect(await rooms(cluster.url({ database }))).toEqual([['server', 200, 0]]);
  expect(others).toBeDefined();
});

test('a name that was given in another encoding is refused with how it reads, not as a database that is gone', async () => {
  const suffix = Date.now().toString(36);
  const name = `café_本_${suffix}`;
  await cluster.psql(
    'postgres',
    `CREATE DATABASE "${name}" TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  const { target } = parsePostgresUrl(cluster.url({ database: name }), { directory: '/' });
  if (target === null) throw new Error('no target');
  await using database = await openDatabase(target);
  for (const ask of [() => database.openJournal(), () => database.inspect()]) {
    await expect(ask()).rejects.toMatchObject({
      code: 'SM_NAME_ENCODING',
      message: expect.stringContaining('in its own encoding, LATIN1'),
    });
  }
  await cluster.psql('postgres', `DROP DATABASE "${name}"`);
});

async function holdOpen(url: string): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { [Symbol.asyncDispose]: () => client.end() };
}
