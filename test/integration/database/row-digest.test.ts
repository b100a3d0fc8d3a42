import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import { fingerprintDatabase } from '../../../src/database/postgres/fingerprint/fingerprint.ts';
import { readTableContent } from '../../../src/database/postgres/fingerprint/table-content.ts';
import { cases } from '../../support/cases.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const { signal } = new AbortController();

/** Values that would run into one another if they were only written one after the other. */
const value = fc.option(
  fc.oneof(
    fc.constantFrom('', ' ', 't', 'f', '0', '1', ',', '""', '(,)', 'NULL', '12', '-1t', '\\'),
    fc.string({ maxLength: 3, unit: fc.constantFrom('a', '1', 't', 'f', ',', '-', '"') }),
  ),
  { nil: null },
);
const row = fc.tuple(value, value, value);
const table = fc.array(row, { maxLength: 4 });

const literal = (text: string | null) => (text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`);
const inOrder = (rows: readonly unknown[]) => rows.map((each) => JSON.stringify(each)).toSorted();

describe('the digest of a table', () => {
  test('is equal for the same rows in any order, and for no others', async () => {
    const { database, user, url } = await cluster.createOwnedDatabase('digests');
    const server = await serverOf(url);
    await cluster.psql(database, 'CREATE TABLE a (x text, y varchar(9), z name); CREATE TABLE b (LIKE a)', {
      user,
    });
    await using session = await server.connect(database);
    const digest = async (name: string, rows: readonly (readonly (string | null)[])[]) => {
      const values = rows.map((each) => `(${each.map(literal).join(', ')})`);
      await session.execute(`TRUNCATE public.${name}`);
      if (values.length > 0) await session.execute(`INSERT INTO public.${name} VALUES ${values.join(', ')}`);
      const shape = { schema: 'public', table: name, columns: ['x', 'y', 'z'], extension: null };
      return (await readTableContent(session, shape, 'columns')).digest;
    };
    await fc.assert(
      fc.asyncProperty(table, table, fc.boolean(), async (one, other, isShuffled) => {
        const second = isShuffled ? one.toReversed() : other;
        const isSame = JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(second));
        expect((await digest('a', one)) === (await digest('b', second))).toBe(isSame);
      }),
      { numRuns: cases(100), seed: 5 },
    );
  });

  test('sees every one of 300 columns, and counts rows without any', async () => {
    const { database, user, url } = await cluster.createOwnedDatabase('wide');
    const columns = Array.from({ length: 300 }, (_, index) => `c${index}`);
    await cluster.psql(
      database,
      `CREATE TABLE wide (${columns.map((name) => `${name} int DEFAULT 7`).join(', ')}); INSERT INTO wide DEFAULT VALUES;
       CREATE TABLE none (); INSERT INTO none DEFAULT VALUES; INSERT INTO none DEFAULT VALUES`,
      { user },
    );
    const server = await serverOf(url);
    await using session = await server.connect(database);
    const read = async (name: string, of: readonly string[]) =>
      await readTableContent(
        session,
        { schema: 'public', table: name, columns: of, extension: null },
        'columns',
      );
    const digests = new Set([(await read('wide', columns)).digest]);
    for (const name of ['c0', 'c49', 'c50', 'c99', 'c299']) {
      await session.execute(`UPDATE public.wide SET ${name} = ${name} + 1`);
      digests.add((await read('wide', columns)).digest);
      await session.execute(`UPDATE public.wide SET ${name} = NULL`);
      digests.add((await read('wide', columns)).digest);
    }
    expect(digests.size).toBe(11);
    expect((await read('none', [])).rows).toBe(2);
  });

  test('is read in the form of an older backup where it is compared with one', async () => {
    const { database, user, url } = await cluster.createOwnedDatabase('older');
    const sql = (text: string) => cluster.psql(database, text, { user });
    await sql(`CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'a'), (2, NULL);
      CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM t; CREATE TYPE mood AS ENUM ('good', 'bad');
      CREATE TABLE p (m mood) PARTITION BY HASH (m); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
      CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1); INSERT INTO p VALUES ('good'), ('bad')`);
    const server = await serverOf(url);
    await using backup = await takeBackup(server);
    const older = await fingerprintDatabase(server, database, { jobs: 1, signal, form: 'row' });
    const [before] = older.fingerprint.tables;
    expect(before?.digest).toMatch(/^-?\d+$/);
    expect(backup.fingerprint.tables[0]?.digest).toMatch(/^2:-?\d+$/);
    const fallback = await prove(server, backup, { expected: older.fingerprint });
    expect(fallback.told).toEqual([]);
    {
      await using admin = await server.connect(database);
      await dropCopy(admin, database, fallback.name);
    }
    await sql(`UPDATE t SET a = '' WHERE id = 2`);
    const other = await fingerprintDatabase(server, database, { jobs: 1, signal, form: 'row' });
    await expect(prove(server, backup, { expected: other.fingerprint })).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringContaining('table public.t has 2 rows as expected, but not the same contents'),
    });
  });
});
