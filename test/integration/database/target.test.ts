import { writeFile } from 'node:fs/promises';
import { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Database } from '../../../src/database/database.ts';
import { openDatabase } from '../../../src/database/postgres/database.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { recordingLog, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

interface Opened extends AsyncDisposable {
  readonly database: Database;
  readonly url: string;
  /** A session of the application's; its counters are reported when `settle` resolves. */
  readonly client: Client;
  settle(): Promise<void>;
}

async function open(schema: string): Promise<Opened> {
  const { url } = await cluster.createOwnedDatabase('target');
  const { target } = parsePostgresUrl(`${url}?schema=app&connection_limit=3`);
  if (target === null) throw new Error('unreadable URL');
  const database = await openDatabase(target);
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  await client.query(schema);
  return {
    database,
    url,
    client,
    async settle() {
      // Pending statistics are flushed when a session ends.
      const other = new Client({ connectionString: url });
      await other.connect();
      await other.query('SELECT pg_stat_force_next_flush()');
      await other.end();
      await client.query('SELECT pg_stat_force_next_flush()');
      await client.query('SELECT 1');
    },
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => {});
      await database[Symbol.asyncDispose]();
    },
  };
}

const schema = `
  CREATE TABLE a (id serial PRIMARY KEY, what text); CREATE TABLE "B c" (id int); CREATE TABLE gone (id int);
  CREATE SEQUENCE down INCREMENT -1; CREATE SEQUENCE round MAXVALUE 3 CYCLE; CREATE SEQUENCE "Up";
  SELECT nextval('down'), nextval('round'), nextval('"Up"'), nextval('"Up"');
  INSERT INTO a (what) SELECT 'x' FROM generate_series(1, 10); INSERT INTO "B c" VALUES (1)`;

test('tables that changed since a snapshot are named, exactly or by their counters', async () => {
  await using opened = await open(schema);
  const { database, url, client } = opened;
  const server = await serverOf(url);
  await opened.settle();
  await using backup = await takeBackup(server);
  const counters = await database.counters();
  const changed = (exact: boolean): Promise<readonly string[]> =>
    database.changedTables(backup.fingerprint, counters, {
      exact,
      jobs: 2,
      signal: new AbortController().signal,
    });

  expect(await changed(true)).toEqual([]);
  expect(await changed(false)).toEqual([]);
  // Written and taken back: the counters move, the content does not.
  await client.query(`UPDATE a SET what = 'y' WHERE id = 1; UPDATE a SET what = 'x' WHERE id = 1`);
  await client.query('DROP TABLE gone; CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1)');
  await opened.settle();
  expect(await changed(false)).toEqual([]);
  await client.query(`INSERT INTO "B c" VALUES (2); DELETE FROM a WHERE id = 3`);
  await opened.settle();
  expect(await changed(true)).toEqual(['public."B c"', 'public.a']);
  expect(await changed(false)).toEqual(['public."B c"', 'public.a']);
});

test('large objects that changed since a snapshot are named as well, when all is read', async () => {
  await using opened = await open(`${schema}; SELECT lo_from_bytea(4711, 'as it was')`);
  const { database, url, client } = opened;
  await using backup = await takeBackup(await serverOf(url));
  const changed = (): Promise<readonly string[]> =>
    database.changedTables(
      backup.fingerprint,
      {},
      { exact: true, jobs: 2, signal: new AbortController().signal },
    );
  expect(await changed()).toEqual([]);
  await client.query(`SELECT lo_put(4711, 0, 'is')`);
  expect(await changed()).toEqual(['large objects']);
  await client.query(`SELECT lo_put(4711, 0, 'as'), lo_create(4712)`);
  expect(await changed()).toEqual(['large objects']);
  await client.query('SELECT lo_unlink(4712)');
  expect(await changed()).toEqual([]);
});

test('sequences that were set back are named, those that only moved on are not', async () => {
  await using opened = await open(schema);
  const { database, url, client } = opened;
  await using backup = await takeBackup(await serverOf(url));
  await client.query(
    `SELECT nextval('a_id_seq'), nextval('down'), nextval('round'), nextval('round'), nextval('round')`,
  );
  expect(await database.rewoundSequences(backup.fingerprint)).toEqual([]);
  await client.query(`SELECT setval('"Up"', 1), setval('down', -1, false), setval('a_id_seq', 5)`);
  expect(await database.rewoundSequences(backup.fingerprint)).toEqual([
    'public."Up"',
    'public.a_id_seq',
    'public.down',
  ]);
});

test("the holder of Prisma's lock is seen, and only that session is ended", async () => {
  await using opened = await open(schema);
  const { database, url, client } = opened;
  expect(await database.prismaLockHolder()).toBeNull();
  await client.query('SELECT pg_advisory_lock(1, 72707369)');
  expect(await database.prismaLockHolder()).toBeNull();
  const migrator = new Client({ connectionString: url, application_name: 'migrator' });
  migrator.on('error', () => {});
  await migrator.connect();
  await migrator.query('SELECT pg_advisory_lock(72707369)');
  const holder = await database.prismaLockHolder();
  expect(holder).toMatchObject({ applicationName: 'migrator', user: database.address.user });
  expect(holder?.clientPort).toBeGreaterThan(1024);
  expect(new Date(holder?.backendStart ?? '').getTime()).toBeGreaterThan(Date.now() - 60_000);
  expect(await database.terminate(holder?.pid ?? 0)).toBe(true);
  await expect.poll(() => database.prismaLockHolder()).toBeNull();
  expect(await database.terminate(holder?.pid ?? 0)).toBe(false);
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a session that somebody ended is replaced for the next question', async () => {
  await using opened = await open(schema);
  const { database } = opened;
  const one = z.object({ pid: z.number() });
  const ask = () => database.query('SELECT pg_backend_pid() AS pid', one);
  const [before] = await ask();
  await cluster.psql('postgres', `SELECT pg_terminate_backend(${before?.pid}, 5000)`);
  await expect(ask()).rejects.toMatchObject({ code: 'SM_CONNECTION_LOST' });
  const [after] = await ask();
  expect(after?.pid).not.toBe(before?.pid);
  await expect(database.query('SELECT nonsense', one)).rejects.toMatchObject({
    code: 'SM_SQL',
    sqlState: '42703',
  });
  expect(await ask()).toEqual([after]);
});

test('a damaged archive is told from a whole one', async () => {
  await using opened = await open(schema);
  const { database, url } = opened;
  await using backup = await takeBackup(await serverOf(url));
  const { signal } = new AbortController();
  await database.readArchive(backup.dumpPath, signal);
  await writeFile(backup.dumpPath, 'PGDMP is not enough');
  await expect(database.readArchive(backup.dumpPath, signal)).rejects.toMatchObject({
    code: 'SM_DUMP_DAMAGED',
  });
});

test('a swap without the lock is refused before anything happens', async () => {
  await using opened = await open(schema);
  const { database } = opened;
  const oid = (await database.oidOf(database.address.database)) ?? 0;
  const plan = {
    targetOid: oid,
    fallback: { name: 'x', oid: 1 },
    failedName: 'y',
    properties: await database.properties(),
    run: 'r1',
    journal: null,
  };
  await expect(database.swap(plan, recordingLog().log)).rejects.toMatchObject({ code: 'SM_SWAP_FAILED' });
});

test("another database's URL keeps everything else of the target's", async () => {
  await using opened = await open(schema);
  const url = opened.database.urlOf('a b/c').reveal();
  expect(url).toContain('/a%20b%2Fc?schema=app&connection_limit=3');
  expect(`${opened.database.urlOf('x')}`).toBe('***');
});
