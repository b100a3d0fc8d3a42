import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Database, Fallback, Fingerprint } from '../../../src/database/database.ts';
import { olderThan } from '../../../src/database/postgres/compare/compare-table.ts';
import { openDatabase } from '../../../src/database/postgres/database.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { TableDifference } from '../../../src/report/report.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, recordingLog, serverOf, takeBackup } from './proving.ts';
import { startWriters } from './reconnecting-writers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

interface Story {
  readonly database: Database;
  readonly name: string;
  readonly user: string;
  readonly url: string;
  readonly failedName: string;
  /** As the owner. */
  sql(script: string): Promise<string>;
  /** Backs up and proves; from now on everything is "after the snapshot". */
  backUp(): Promise<void>;
  /** Swaps; from now on the application writes into the recovered target. */
  swap(): Promise<void>;
  compare(jobs?: number): Promise<readonly TableDifference[]>;
  readonly lines: readonly string[];
}

/** The whole port, on a target that `schema` has filled. */
async function tell(schema: string, story: (ground: Story) => Promise<void>): Promise<void> {
  const { database: name, user, url } = await cluster.createOwnedDatabase('compare');
  const sql = (script: string): Promise<string> => cluster.psql(name, script, { user });
  await sql(schema);
  const { target } = parsePostgresUrl(url);
  if (target === null) throw new Error('unreadable URL');
  await using database = await openDatabase(target);
  await using _lock = await database.lock({
    run: 'r1',
    description: 'test',
    startedAt: '2026-11-22T10:00:00.000Z',
  });
  const failedName = database.copyName('failed', 'r1');
  const { log, lines } = recordingLog();
  let proved: { fallback: Fallback; before: Fingerprint; targetOid: number } | undefined;
  let xidAtSwap = 0;
  await story({
    database,
    name,
    user,
    url,
    failedName,
    sql,
    lines,
    async backUp() {
      const server = await serverOf(url);
      await using backup = await takeBackup(server);
      const fallback = await prove(server, backup);
      proved = { fallback, before: backup.fingerprint, targetOid: (await database.oidOf(name)) ?? 0 };
    },
    async swap() {
      if (proved === undefined) throw new Error('back up first');
      const { fallback, targetOid } = proved;
      const properties = await database.properties();
      ({ xidAtSwap } = await database.swap(
        { targetOid, fallback, failedName, properties, run: 'r1', journal: null },
        log,
      ));
    },
    async compare(jobs = 2) {
      if (proved === undefined) throw new Error('back up first');
      return database.compareWithFailed({ failedName, xidAtSwap, before: proved.before, jobs }, log);
    },
  });
  expect(
    await cluster.psql('postgres', `SELECT datallowconn FROM pg_database WHERE datname = '${failedName}'`),
  ).toBe('f');
}

const shop = `
  CREATE TABLE orders (id bigserial PRIMARY KEY, what text NOT NULL, amount numeric);
  CREATE TABLE lines (order_id bigint, line int, what text, PRIMARY KEY (order_id, line));
  CREATE TABLE log (what text, at timestamptz DEFAULT '2026-01-01');
  CREATE TABLE quiet (id int PRIMARY KEY, what text);
  CREATE TABLE "O'Brien ""q""" ("q" int, "Key Of" uuid NOT NULL DEFAULT gen_random_uuid(), "t" text);
  CREATE UNIQUE INDEX ON "O'Brien ""q""" ("Key Of");
  CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, logs text);
  INSERT INTO orders (what, amount) SELECT 'before', g FROM generate_series(1, 5000) g;
  INSERT INTO lines SELECT g, 1, 'before' FROM generate_series(1, 5000) g;
  INSERT INTO log (what) SELECT 'before ' || g % 10 FROM generate_series(1, 1000) g;
  INSERT INTO quiet SELECT g, 'before' FROM generate_series(1, 1000) g;
  INSERT INTO "O'Brien ""q""" (q, t) SELECT g, 'x' FROM generate_series(1, 100) g;
  INSERT INTO _prisma_migrations VALUES ('a', NULL);
`;

const none = { onlyInFailed: 0, changed: 0, onlyInTarget: 0, sampleKeys: [] };

describe('the comparison of the failed database with the recovered target', () => {
  test('finds nothing where nothing was written', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      await ground.sql(
        `ALTER TABLE orders ADD COLUMN half int DEFAULT 7; INSERT INTO _prisma_migrations VALUES ('b', 'failed')`,
      );
      await ground.swap();
      expect(await ground.compare()).toEqual([]);
    }));

  test('counts what was inserted, changed and deleted after the backup, by key', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      await ground.sql(`
        INSERT INTO orders (what) SELECT 'new' FROM generate_series(1, 30);
        UPDATE orders SET what = 'changed' WHERE id <= 7;
        DELETE FROM orders WHERE id BETWEEN 100 AND 104;
        INSERT INTO lines VALUES (1, 2, 'new'), (6000, 1, 'new');
        UPDATE lines SET order_id = 7000 WHERE order_id = 5000;
        INSERT INTO log (what) VALUES ('before 1'), ('before 1'), ('never seen');
        DELETE FROM log WHERE ctid IN (SELECT ctid FROM log WHERE what = 'before 2' LIMIT 4);
        INSERT INTO "O'Brien ""q""" ("Key Of") VALUES ('00000000-0000-0000-0000-000000000001');
        UPDATE "O'Brien ""q""" SET t = 'y' WHERE q = 5;`);
      await ground.swap();
      const differences = await ground.compare();
      expect(differences).toEqual([
        {
          schema: 'public',
          table: `O'Brien "q"`,
          ...none,
          onlyInFailed: 1,
          changed: 1,
          key: ['Key Of'],
          sampleKeys: ['["00000000-0000-0000-0000-000000000001"]'],
        },
        {
          schema: 'public',
          table: 'lines',
          ...none,
          onlyInFailed: 3,
          onlyInTarget: 1,
          key: ['order_id', 'line'],
          sampleKeys: ['["1","2"]', '["6000","1"]', '["7000","1"]'],
        },
        { schema: 'public', table: 'log', ...none, onlyInFailed: 3, onlyInTarget: 4, key: [] },
        {
          schema: 'public',
          table: 'orders',
          onlyInFailed: 30,
          changed: 7,
          onlyInTarget: 5,
          key: ['id'],
          sampleKeys: expect.toSatisfy(
            (keys: string[]) => keys.length === 20 && keys.every((key) => /^\["50[0-3]\d"\]$/.test(key)),
          ),
        },
      ]);
    }));

  test('compares what both have when the migration changed columns, keys and tables', () =>
    tell(
      `${shop}
       CREATE TABLE dropped (id int PRIMARY KEY); INSERT INTO dropped SELECT generate_series(1, 12);
       CREATE TABLE emptied (id int); CREATE TABLE dropped_empty (id int);
       CREATE TABLE total (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED);
       INSERT INTO total SELECT g, g FROM generate_series(1, 50) g;`,
      async (ground) => {
        await ground.backUp();
        await ground.sql(`
          ALTER TABLE orders DROP COLUMN amount, ADD COLUMN price numeric DEFAULT 1;
          UPDATE orders SET price = id;
          UPDATE orders SET what = 'x' WHERE id = 1;
          ALTER TABLE quiet ALTER COLUMN what TYPE varchar(99), ADD COLUMN more int;
          ALTER TABLE lines DROP CONSTRAINT lines_pkey;
          INSERT INTO lines VALUES (1, 1, 'before'), (2, 1, 'twice');
          ALTER TABLE total DROP COLUMN b;
          UPDATE total SET a = 0 WHERE id = 50;
          DROP TABLE dropped, dropped_empty;
          CREATE TABLE brand_new (id int PRIMARY KEY, what text);
          INSERT INTO brand_new SELECT g FROM generate_series(1, 25) g;
          CREATE TABLE brand_new_empty (id int PRIMARY KEY);
          CREATE SCHEMA extra; CREATE TABLE extra.orders (id int); INSERT INTO extra.orders VALUES (1);`);
        await ground.swap();
        const differences = await ground.compare();
        expect(differences).toEqual([
          { schema: 'extra', table: 'orders', ...none, onlyInFailed: 1, key: [] },
          {
            schema: 'public',
            table: 'brand_new',
            ...none,
            onlyInFailed: 25,
            key: ['id'],
            sampleKeys: Array.from({ length: 20 }, (_, index) => `["${index + 1}"]`),
          },
          { schema: 'public', table: 'dropped', ...none, onlyInTarget: 12, key: [] },
          // Its key is gone in the failed database, so whole rows are compared.
          { schema: 'public', table: 'lines', ...none, onlyInFailed: 2, key: [] },
          { schema: 'public', table: 'orders', ...none, changed: 1, key: ['id'] },
          { schema: 'public', table: 'total', ...none, changed: 1, key: ['id'] },
        ]);
      },
    ));

  test('does not count what the application writes into the recovered target, although keys are used again', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      await ground.sql(`INSERT INTO orders (what) SELECT 'lost' FROM generate_series(1, 10)`);
      await ground.swap();
      // The same ten keys once more, with other values, and more.
      await ground.sql(`
        INSERT INTO orders (what) SELECT 'written after the swap' FROM generate_series(1, 200);
        INSERT INTO quiet SELECT g, 'after' FROM generate_series(2000, 2100) g;
        UPDATE quiet SET what = 'after' WHERE id < 10; DELETE FROM quiet WHERE id BETWEEN 10 AND 20;
        INSERT INTO log (what) VALUES ('after'); VACUUM FREEZE`);
      expect(await ground.compare()).toEqual([
        {
          schema: 'public',
          table: 'orders',
          ...none,
          onlyInFailed: 10,
          key: ['id'],
          sampleKeys: Array.from({ length: 10 }, (_, index) => `["${5001 + index}"]`),
        },
      ]);
      expect(ground.lines.some((line) => line.includes('since the swap'))).toBe(false);
    }));

  test('says so when the application has already changed rows of the backup in a table that differs', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      await ground.sql(`INSERT INTO orders (what) VALUES ('lost')`);
      await ground.swap();
      await ground.sql(
        `UPDATE orders SET what = 'changed after the swap' WHERE id <= 3; DELETE FROM orders WHERE id = 4`,
      );
      const [difference] = await ground.compare();
      expect(difference).toMatchObject({ table: 'orders', onlyInFailed: 5 });
      expect(ground.lines).toContainEqual(expect.stringMatching(/public\.orders: .* 4 rows since the swap/));
    }));

  test('equals what insert-only writers counted for themselves, while they go on writing', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      const writers = await startWriters(ground.url, 10, {
        perSecond: 50,
        insert: `INSERT INTO orders (what) VALUES ('written') RETURNING id`,
      });
      const keyless = await startWriters(ground.url, 3, {
        perSecond: 50,
        insert: `INSERT INTO log (what) VALUES ('written') RETURNING 'x' AS id`,
      });
      let swappedAt = 0;
      let differences: readonly TableDifference[] = [];
      {
        await using _w = writers;
        await using _k = keyless;
        await sleep(1000);
        await ground.swap();
        swappedAt = performance.now();
        await sleep(300);
        differences = await ground.compare();
      }
      const countedBy = ({ tallies }: typeof writers): number =>
        tallies.reduce((sum, tally) => {
          // What was acknowledged before its session broke went into the failed database.
          return sum + tally.written.filter(({ at }) => at < (tally.brokenAt[0] ?? swappedAt)).length;
        }, 0);
      const doubtful = writers.tallies.length;
      const found = Object.fromEntries(differences.map((each) => [each.table, each]));
      expect(Object.keys(found).toSorted()).toEqual(['log', 'orders']);
      for (const [table, counted] of [
        ['orders', countedBy(writers)],
        ['log', countedBy(keyless)],
      ] as const) {
        expect(counted).toBeGreaterThan(30);
        // A session can be ended between its commit and its answer: such a row nobody counted.
        expect(found[table]?.onlyInFailed).toBeGreaterThanOrEqual(counted);
        expect(found[table]?.onlyInFailed).toBeLessThanOrEqual(counted + doubtful);
        expect(found[table]).toMatchObject({ changed: 0, onlyInTarget: 0 });
      }
    }));

  test('copes with a table in which everything differs', () =>
    tell(
      `CREATE TABLE big (id int PRIMARY KEY, what text); INSERT INTO big SELECT g, g::text FROM generate_series(1, 60000) g`,
      async (ground) => {
        await ground.backUp();
        await ground.sql(
          `UPDATE big SET what = what || 'x' WHERE id > 10; INSERT INTO big SELECT g, 'new' FROM generate_series(60001, 80000) g; DELETE FROM big WHERE id <= 5`,
        );
        await ground.swap();
        expect(await ground.compare()).toMatchObject([
          { onlyInFailed: 20_000, changed: 59_990, onlyInTarget: 5 },
        ]);
      },
    ));

  test('refuses a database that is not the one it kept, and leaves it closed', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      await ground.swap();
      await cluster.psql('postgres', `COMMENT ON DATABASE "${ground.failedName}" IS 'somebody else took it'`);
      await expect(ground.compare()).rejects.toMatchObject({ code: 'SM_NOT_A_COPY' });
    }));

  test('closes the failed database again when a table cannot be read', () =>
    tell(shop, async (ground) => {
      await ground.backUp();
      await ground.sql('INSERT INTO quiet VALUES (5000)');
      await cluster.psql(ground.name, 'ALTER TABLE quiet OWNER TO postgres');
      await ground.swap();
      await expect(ground.compare()).rejects.toMatchObject({
        code: 'SM_SQL',
        message: expect.stringContaining('permission denied for table quiet'),
      });
    }));
});

test('the kept failed database is listed for its target, and can be dropped by its name', () =>
  tell(shop, async (ground) => {
    await ground.backUp();
    expect(await ground.database.leftoverCopies()).toMatchObject([
      { name: ground.database.copyName('fallback', 'r1') },
    ]);
    await ground.swap();
    expect(await ground.database.leftoverCopies()).toEqual([]);
    const [kept, ...others] = await ground.database.failedDatabases();
    expect(kept).toMatchObject({ name: ground.failedName });
    expect(kept?.sizeBytes).toBeGreaterThan(1_000_000);
    expect(others).toEqual([]);
    await cluster.psql('postgres', `CREATE DATABASE "${ground.name}__failed_x9"`);
    expect(await ground.database.failedDatabases()).toHaveLength(1);
    await expect(ground.database.dropCopy(`${ground.name}__failed_x9`)).rejects.toMatchObject({
      code: 'SM_NOT_A_COPY',
    });
  }));

test('a row is older than the swap by the clock of transaction ids, which goes round', async () => {
  const { url, database } = await cluster.createOwnedDatabase('wrap');
  const server = await serverOf(url);
  await using session = await server.connect(database);
  const isOlder = async (xmin: number, xid: number): Promise<boolean | undefined> => {
    const [row] = await session.query(
      `SELECT ${olderThan(xid)} AS "isOlder" FROM (VALUES ('${xmin}'::xid)) AS q(xmin)`,
      z.object({ isOlder: z.boolean() }),
    );
    return row?.isOlder;
  };
  expect(await isOlder(999, 1000)).toBe(true);
  expect(await isOlder(1000, 1000)).toBe(false);
  expect(await isOlder(1001, 1000)).toBe(false);
  // Across 2^32, both ways.
  expect(await isOlder(4_294_967_290, 10)).toBe(true);
  expect(await isOlder(10, 4_294_967_290)).toBe(false);
  expect(await isOlder(4_294_967_289, 4_294_967_290)).toBe(true);
  expect(await isOlder(4_294_967_291, 4_294_967_290)).toBe(false);
  // Bootstrap and frozen.
  expect(await isOlder(1, 3_000_000_000)).toBe(true);
  expect(await isOlder(2, 3_000_000_000)).toBe(true);
});
