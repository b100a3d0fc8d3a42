import { beforeAll, describe, expect, test } from 'vitest';
import { compareIndexes } from '../../../src/database/postgres/indexes/compare-indexes.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { propertiesOf, prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

async function targetWith(schema: string) {
  const { database, user, url } = await cluster.createOwnedDatabase('indexes');
  await cluster.psql('postgres', `ALTER DATABASE "${database}" SET TimeZone TO 'Asia/Tokyo'`);
  const sql = (text: string) => cluster.psql(database, text, { user });
  await sql(schema);
  const server = await serverOf(url);
  const compare = async () => {
    await sql('ANALYZE');
    await using session = await server.connect(database);
    return await compareIndexes(session, (await propertiesOf(server, database)).settings);
  };
  return { server, database, user, sql, compare };
}

/** Functions that give something else under another time zone, and an operator class of the user's own. */
const functions = `
  CREATE EXTENSION btree_gist;
  CREATE SCHEMA app;
  CREATE FUNCTION app.day(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT $1::date';
  CREATE FUNCTION app.hour(timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ''it''''s \\ '' || date_part(''hour'', $1)';
  CREATE FUNCTION app.words(timestamptz) RETURNS tsvector LANGUAGE sql IMMUTABLE AS 'SELECT to_tsvector(''simple'', ''on '' || $1::date)';
  CREATE FUNCTION app.days(timestamptz) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[$1::date::text]';
  CREATE FUNCTION app.object(timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT jsonb_build_object(''d'', $1::date)';
  CREATE FUNCTION app.span(timestamptz) RETURNS daterange LANGUAGE sql IMMUTABLE AS 'SELECT daterange($1::date, $1::date + 1)';
  CREATE FUNCTION app.compare(timestamptz, timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE AS
    'SELECT btint4cmp(date_part(''hour'', $1)::integer, date_part(''hour'', $2)::integer)';
  CREATE FUNCTION app.lt(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.compare($1, $2) < 0; END';
  CREATE FUNCTION app.eq(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.compare($1, $2) = 0; END';
  CREATE FUNCTION app.gt(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.compare($1, $2) > 0; END';
  CREATE FUNCTION app.whole(anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
  CREATE TABLE app."T t" ("a b" integer, at timestamptz, note text, i integer);
  INSERT INTO app."T t" SELECT n, CASE WHEN n % 50 <> 0 THEN '2026-03-01 00:00+00'::timestamptz + n * interval '1 hour' END, 'n ' || n, n % 3
    FROM generate_series(1, 300) n;`;

const named: Readonly<Record<string, string>> = {
  by_day: `INDEX by_day ON app."T t" (app.day(at))`,
  by_day_and_note: `INDEX by_day_and_note ON app."T t" (i, app.day(at), note COLLATE "C") INCLUDE ("a b")`,
  by_hash: `INDEX by_hash ON app."T t" USING hash (app.hour(at))`,
  by_whole: `INDEX by_whole ON app."T t" (app.whole("T t".*))`,
  'By "key"': `UNIQUE INDEX "By ""key""" ON app."T t" ("a b", app.day(at))`,
  by_part: `INDEX by_part ON app."T t" ("a b") WHERE app.day(at) > '2026-03-05'`,
  by_words: `INDEX by_words ON app."T t" USING gin (app.words(at))`,
  by_days: `INDEX by_days ON app."T t" USING gin (app.days(at))`,
  by_object: `INDEX by_object ON app."T t" USING gin (app.object(at) jsonb_path_ops)`,
  by_gist: `INDEX by_gist ON app."T t" USING gist (app.day(at), app.span(at))`,
  by_point: `INDEX by_point ON app."T t" USING gist (point(date_part('day', app.day(at)), 0))`,
  by_spgist: `INDEX by_spgist ON app."T t" USING spgist (app.hour(at))`,
  by_brin: `INDEX by_brin ON app."T t" USING brin (app.day(at)) WITH (pages_per_range = 1)`,
};

describe('indexes that reach code of users', () => {
  test.each(['Asia/Tokyo', 'America/Lima'])('each kind, built under %s', async (zone) => {
    const { sql, compare } = await targetWith(functions);
    // Where one table has many, PostgreSQL may take another one for a question.
    const found: Record<string, { differs: boolean; told: readonly string[] }> = {};
    for (const [name, statement] of Object.entries(named)) {
      await sql(`SET TimeZone = '${zone}'; CREATE ${statement}`);
      const { differences, told } = await compare();
      expect(differences.every((text) => text.startsWith(`index app.${name} `))).toBe(true);
      found[name] = { differs: differences.length > 0, told };
      await sql(`DROP INDEX app."${name.replaceAll('"', '""')}"`);
    }
    const differs = zone !== 'Asia/Tokyo';
    expect(found).toEqual(
      Object.fromEntries(Object.keys(named).map((name) => [name, { differs, told: [] }])),
    );
  });

  test('one of an operator class of the user’s, to which other rows are equal', async () => {
    const { database, sql, compare } = await targetWith(functions);
    await cluster.psql(
      database,
      `CREATE OPERATOR app.<< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = app.lt);
       CREATE OPERATOR app.== (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = app.eq);
       CREATE OPERATOR app.>> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = app.gt);
       CREATE OPERATOR CLASS app.by_hour FOR TYPE timestamptz USING btree AS
         OPERATOR 1 app.<<, OPERATOR 3 app.==, OPERATOR 5 app.>>, FUNCTION 1 app.compare(timestamptz, timestamptz)`,
    );
    await sql('CREATE INDEX by_hour ON app."T t" (at app.by_hour)');
    expect(await compare()).toEqual({ differences: [], told: [] });
    await sql(
      `DROP INDEX app.by_hour; SET TimeZone = 'America/Lima'; CREATE INDEX by_hour ON app."T t" (at app.by_hour)`,
    );
    expect(await compare()).toEqual({
      differences: [
        expect.stringMatching(
          /^index app\.by_hour does not find \d+ of 300 rows by the keys that they have$/,
        ),
      ],
      told: [],
    });
  });

  test('what cannot be asked is told by name, and why', async () => {
    const { database, sql, user, compare } = await targetWith(functions);
    await sql(`
      CREATE INDEX by_day ON app."T t" (app.day(at)); CREATE INDEX again ON app."T t" (app.day(at));
      CREATE TABLE app.others (at timestamptz); CREATE INDEX of_others ON app.others (app.day(at));
      CREATE FUNCTION app.fails(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
        'BEGIN IF current_setting(''application_name'') LIKE ''safe-migrate%'' THEN RAISE ''row %'', $1; END IF; RETURN $1; END';
      CREATE INDEX by_failing ON app."T t" (app.fails("a b"))`);
    const other = `${user}_other`;
    await cluster.createRole(other, { attributes: 'NOSUPERUSER' });
    await cluster.psql(database, `ALTER TABLE app.others OWNER TO "${other}"`);
    expect(await compare()).toEqual({
      differences: [],
      told: [
        `index app.of_others is not compared with its table: that belongs to ${other}, whose functions are not run for this`,
        'index app.by_day is not compared with its table: PostgreSQL does not use it for the question',
        'index app.by_failing is not compared with its table: PostgreSQL refused the question (SQLSTATE P0001)',
      ],
    });
  });

  test('one whose function finds its tables by search_path does not come back as it was', async () => {
    const { server } = await targetWith(`
      CREATE TABLE rates (rate integer); INSERT INTO rates VALUES (1), (2);
      CREATE FUNCTION known(integer) RETURNS text LANGUAGE sql IMMUTABLE AS
        'SELECT $1 || CASE WHEN to_regclass(''rates'') IS NULL THEN '' without'' ELSE '' with'' END';
      CREATE UNIQUE INDEX by_known ON rates (known(rate))`);
    await using backup = await takeBackup(server);
    await expect(prove(server, backup)).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringContaining(
        'index public.by_known does not find 2 of 2 rows by the keys that they have',
      ),
    });
  });
});
