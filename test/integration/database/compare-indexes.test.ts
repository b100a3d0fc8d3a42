import { beforeAll, describe, expect, test } from 'vitest';
import { compareIndexes } from '../../../src/database/postgres/indexes/compare-indexes.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { reachWithOlderTools } from './older-tools.ts';
import { propertiesOf, prove, takeBackup } from './proving.ts';

let shared: PostgresCluster;
beforeAll(async () => {
  shared = await sharedPostgres();
});

async function targetWith(schema: string, cluster = shared) {
  const { database, user } = await cluster.createOwnedDatabase('indexes');
  await cluster.psql('postgres', `ALTER DATABASE "${database}" SET TimeZone TO 'Asia/Tokyo'`);
  const sql = (text: string) => cluster.psql(database, text, { user });
  await sql(schema);
  const server = await reachWithOlderTools(cluster, database, user);
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
  CREATE FUNCTION app.words(timestamptz) RETURNS tsvector LANGUAGE sql IMMUTABLE AS 'SELECT array_to_tsvector(ARRAY[''it''''s \\ a'', coalesce($1::date::text, ''never'')])';
  CREATE FUNCTION app.days(timestamptz) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT ARRAY[$1::date::text]';
  CREATE FUNCTION app.object(timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT jsonb_build_object(''d'', $1::date)';
  CREATE FUNCTION app.span(timestamptz) RETURNS daterange LANGUAGE sql IMMUTABLE AS 'SELECT daterange($1::date, $1::date + 1)';
  CREATE TYPE app.pair AS (day date, nothing integer);
  CREATE FUNCTION app.pair(timestamptz) RETURNS app.pair LANGUAGE sql IMMUTABLE AS 'SELECT $1::date, NULL::integer';
  CREATE FUNCTION app.compare(timestamptz, timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE AS
    'SELECT btint4cmp(date_part(''hour'', $1)::integer, date_part(''hour'', $2)::integer)';
  CREATE FUNCTION app.lt(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.compare($1, $2) < 0; END';
  CREATE FUNCTION app.eq(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.compare($1, $2) = 0; END';
  CREATE FUNCTION app.gt(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN app.compare($1, $2) > 0; END';
  CREATE FUNCTION app.whole(anyelement) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
  CREATE TABLE app."T t" ("a b" integer, at timestamptz, note text, i integer);
  INSERT INTO app."T t" SELECT n, CASE WHEN n % 50 <> 0 THEN '2026-03-01 00:00+00'::timestamptz + n * interval '1 hour' END, 'n ' || n, n % 3
    FROM generate_series(1, 300) n;`;

/** Each on a table of its own (`T 0`, `T 1`, …), or PostgreSQL may take another one for a question. */
const named: Readonly<Record<string, string>> = {
  by_day: `CREATE INDEX by_day ON app."T @" (app.day(at))`,
  by_day_and_note: `CREATE INDEX by_day_and_note ON app."T @" (i, app.day(at), note COLLATE "C") INCLUDE ("a b")`,
  by_hash: `CREATE INDEX by_hash ON app."T @" USING hash (app.hour(at))`,
  by_whole: `CREATE INDEX by_whole ON app."T @" (app.whole("T @".*))`,
  'By "key"': `CREATE UNIQUE INDEX "By ""key""" ON app."T @" ("a b", app.day(at))`,
  by_part: `CREATE INDEX by_part ON app."T @" ("a b") WHERE app.day(at) > '2026-03-05'`,
  by_words: `CREATE INDEX by_words ON app."T @" USING gin (app.words(at))`,
  by_gist_words: `CREATE INDEX by_gist_words ON app."T @" USING gist (app.words(at))`,
  by_days: `CREATE INDEX by_days ON app."T @" USING gin (app.days(at))`,
  by_object: `CREATE INDEX by_object ON app."T @" USING gin (app.object(at) jsonb_path_ops)`,
  by_gist: `CREATE INDEX by_gist ON app."T @" USING gist (app.day(at), app.span(at))`,
  by_point: `CREATE INDEX by_point ON app."T @" USING gist (point(date_part('day', app.day(at)), 0))`,
  by_exclusion: `ALTER TABLE app."T @" ADD CONSTRAINT by_exclusion EXCLUDE USING gist ("a b" WITH =, app.span(at) WITH &&)`,
  by_row: `CREATE INDEX by_row ON app."T @" (app.pair(at))`,
  by_spgist: `CREATE INDEX by_spgist ON app."T @" USING spgist (app.hour(at))`,
  by_brin: `CREATE INDEX by_brin ON app."T @" USING brin (app.day(at)) WITH (pages_per_range = 1)`,
};

describe('indexes that reach code of users', () => {
  test.each([
    ['Asia/Tokyo', 13],
    ['America/Lima', 13],
    ['Asia/Tokyo', 18],
    ['America/Lima', 18],
  ])('each kind, built under %s on a server of %i', async (zone, major) => {
    const { sql, compare } = await targetWith(functions, await sharedPostgres(major));
    const statements = Object.values(named).map((statement, number) =>
      `CREATE TABLE app."T @" AS TABLE app."T t"; ${statement}`.replaceAll('@', String(number)),
    );
    await sql(`SET TimeZone = '${zone}'; ${statements.join('; ')}`);
    const { differences, told } = await compare();
    expect(told).toEqual([]);
    const found = differences.map((text) => /^index app\.(.*) (?:does not find|holds) /.exec(text)?.[1]);
    expect(found.toSorted()).toEqual(zone === 'Asia/Tokyo' ? [] : Object.keys(named).toSorted());
  });

  test('one of an operator class of the user’s, to which other rows are equal', async () => {
    const { database, sql, compare } = await targetWith(functions);
    await shared.psql(
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
    await shared.createRole(other, { attributes: 'NOSUPERUSER' });
    await shared.psql(database, `ALTER TABLE app.others OWNER TO "${other}"`);
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
