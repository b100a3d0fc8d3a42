import { expect, test } from 'vitest';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, serverOf, takeBackup } from './proving.ts';

async function targetWith(schema: string): Promise<PostgresServer> {
  const cluster = await sharedPostgres();
  const { database, user, url } = await cluster.createOwnedDatabase('large');
  await cluster.psql(database, schema, { user });
  return serverOf(url);
}

async function expectProved(server: PostgresServer): Promise<{ tables: number; rows: number }> {
  await using backup = await takeBackup(server);
  const { fingerprint } = await prove(server, backup);
  expect(fingerprint.tables).toEqual(backup.fingerprint.tables);
  return {
    tables: fingerprint.tables.length,
    rows: fingerprint.tables.reduce((sum, { rows }) => sum + rows, 0),
  };
}

test('2 000 tables, each with a key, a sequence and a foreign key, are proved', {
  timeout: 300_000,
}, async () => {
  const server = await targetWith(`DO $$ BEGIN FOR i IN 1..2000 LOOP
    EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, name text, up integer %s)', i,
                   CASE WHEN i > 1 THEN 'REFERENCES t' || i - 1 END);
    EXECUTE format('INSERT INTO t%s (name) VALUES (%L), (NULL)', i, 'row of ' || i);
    IF i % 100 = 0 THEN COMMIT; END IF;
  END LOOP; END $$;`);
  expect(await expectProved(server)).toEqual({ tables: 2000, rows: 4000 });
});

test('a table with 300 partitions is proved', async () => {
  const server = await targetWith(`
    CREATE TABLE events (id bigint, at date, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    DO $$ BEGIN FOR i IN 0..299 LOOP
      EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES FROM (%L) TO (%L)', i,
                     date '2000-01-01' + i, date '2000-01-02' + i);
    END LOOP; END $$;
    CREATE INDEX ON events (what);
    INSERT INTO events SELECT n, date '2000-01-01' + n % 300, 'event ' || n FROM generate_series(1, 30000) n;`);
  expect(await expectProved(server)).toEqual({ tables: 300, rows: 30_000 });
});

test('values of 50 MB are proved', async () => {
  const server = await targetWith(`
    CREATE TABLE huge (id integer PRIMARY KEY, bytes bytea, letters text);
    INSERT INTO huge VALUES
      (1, decode(repeat('00ff5c0a', 13107200), 'hex'), NULL),
      (2, NULL, repeat(E'é"\\\\\\n', 10485760));`);
  expect(await expectProved(server)).toEqual({ tables: 1, rows: 2 });
});

test('a table of 1 GB is proved', { timeout: 600_000 }, async () => {
  const cluster = await sharedPostgres();
  const server = await targetWith(`
    CREATE TABLE ledger (id bigint PRIMARY KEY, account text, entry text);
    INSERT INTO ledger SELECT n, 'account ' || n % 5000, repeat(md5(n::text), 30) FROM generate_series(1, 1000000) n;`);
  const { database } = server.address;
  const size = await cluster.psql(database, `SELECT pg_table_size('ledger') >= 1e9`);
  expect(size).toBe('t');
  try {
    expect(await expectProved(server)).toEqual({ tables: 1, rows: 1_000_000 });
  } finally {
    // The shared server keeps what tests leave, and this is much.
    await cluster.psql('postgres', `DROP DATABASE "${database}" WITH (FORCE)`);
  }
});
