import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import { fingerprintDatabase } from '../../../src/database/postgres/fingerprint/fingerprint.ts';
import { readTableContent } from '../../../src/database/postgres/fingerprint/table-content.ts';
import { compareFingerprints } from '../../../src/database/postgres/prove/compare-fingerprints.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { ownTypes, sampleSql, typeSamples, typeTables, withoutValues } from '../../support/type-samples.ts';
import { prove, recordingLog, serverOf, takeBackup } from './proving.ts';

const { signal } = new AbortController();

async function targetWith(major: number, schema: string) {
  const cluster = await sharedPostgres(major);
  const { database, user, url } = await cluster.createOwnedDatabase('types');
  await cluster.psql(database, schema, { user });
  const sql = (text: string) => cluster.psql(database, text, { user });
  return { server: await serverOf(url), database, sql };
}

/** Rows have keys of their own: what moves from one to another is the value alone. */
function changeOneValueEach(major: number): string {
  return typeSamples(major)
    .map((_, n) => `UPDATE types.of_${n} SET v = (SELECT v FROM types.of_${n} WHERE id = 1) WHERE id = 0;`)
    .join('\n');
}

describe.each([13, 14, 15])('on a server of %i', (major) => {
  test('the samples hold every type that a column can have', async () => {
    const { server, database } = await targetWith(major, ownTypes);
    await using session = await server.connect(database);
    const row = z.object({ name: z.string() });
    const all = await session.query(
      `SELECT oid::regtype::text AS "name" FROM pg_type
        WHERE typtype <> 'p' AND typisdefined AND typnamespace = 'pg_catalog'::regnamespace
          AND typrelid = 0 AND typcategory <> 'A' AND typname <> 'pg_attribute'`,
      row,
    );
    const types = typeSamples(major).map(({ type }) => `('${type.replaceAll("'", "''")}'::regtype)`);
    const held = await session.query(`SELECT DISTINCT t::text AS "name" FROM (VALUES ${types}) AS v(t)`, row);
    const known = new Set([...held.map(({ name }) => name), ...withoutValues]);
    expect(all.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
  });

  test('no two values of a type, nor arrays of them, have the same digest', async () => {
    const { server, database, sql } = await targetWith(major, ownTypes);
    const samples = typeSamples(major);
    const tables = samples.map(
      ({ type }, n) =>
        `CREATE TABLE v${n} (v ${type}); INSERT INTO v${n} VALUES (NULL);
         CREATE TABLE vs${n} (v ${type}[]); INSERT INTO vs${n} VALUES (NULL);`,
    );
    await sql(tables.join('\n'));
    await using session = await server.connect(database);
    for (const [n, sample] of samples.entries()) {
      for (const [table, form] of [[`v${n}`, 'value'] as const, [`vs${n}`, 'array'] as const]) {
        const shape = { schema: 'public', table, columns: ['v'], extension: null };
        const digests = new Set([(await readTableContent(session, shape, 'columns')).digest]);
        for (const index of sample.values.keys()) {
          await session.execute(`UPDATE public.${table} SET v = ${sampleSql(sample, index)[form]}`);
          digests.add((await readTableContent(session, shape, 'columns')).digest);
        }
        expect(digests.size, `${form} of ${sample.type}`).toBe(sample.values.length + 1);
      }
    }
  });

  test('a value that is changed in each table is found in each', async () => {
    const { server, database, sql } = await targetWith(major, typeTables(major));
    const read = () => fingerprintDatabase(server, database, { jobs: 2, signal });
    const before = (await read()).fingerprint;
    await sql(changeOneValueEach(major));
    const { differences } = compareFingerprints(before, (await read()).fingerprint);
    expect(differences.toSorted()).toEqual(
      typeSamples(major)
        .map(
          ({ values }, n) =>
            `table types.of_${n} has ${values.length + 2} rows as expected, but not the same contents`,
        )
        .toSorted(),
    );
  });
});

test('all values are proved equal, and a copy of others is refused', async () => {
  const major = 15;
  const { server, database, sql } = await targetWith(major, typeTables(major));
  await using backup = await takeBackup(server);
  const fallback = await prove(server, backup);
  expect(fallback.fingerprint.tables).toEqual(backup.fingerprint.tables);
  {
    await using admin = await server.connect(database);
    await dropCopy(admin, database, fallback.name);
  }

  await sql(changeOneValueEach(major));
  const changed = await fingerprintDatabase(server, database, { jobs: 2, signal });
  const { log, lines } = recordingLog();
  const proving = prove(server, backup, { expected: changed.fingerprint, log });
  await expect(proving).rejects.toMatchObject({ code: 'SM_NOT_EQUAL' });
  expect(lines.filter((line) => line.startsWith('table types.of_'))).toHaveLength(typeSamples(major).length);
});
