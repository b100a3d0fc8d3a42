import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import { SqlError } from '../../../src/database/postgres/session/sql-errors.ts';
import { literal } from '../../../src/database/sql-text.ts';
import { type PostgresCluster, startPostgres } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let postgres: PostgresCluster;
let database: string;
let server: PostgresServer;

async function serverOf(url: string): Promise<PostgresServer> {
  const parsed = parsePostgresUrl(url);
  if (parsed.target === null) throw new Error(JSON.stringify(parsed.problems));
  return connectServer(parsed.target);
}

beforeAll(async () => {
  postgres = await sharedPostgres();
  const owned = await postgres.createOwnedDatabase('session');
  database = owned.database;
  server = await serverOf(owned.url);
});

const anyRow = z.record(z.string(), z.unknown());
const textRow = z.object({ v: z.string() });

describe('a query', () => {
  test('gives its rows as JSON objects, parsed', async () => {
    await using session = await server.connect(database);
    const rows = await session.query(
      'select n, n::text as t, null as nothing, array[n, 2] as list from generate_series(1, 2) n order by n desc',
      z.object({ n: z.number(), t: z.string(), nothing: z.null(), list: z.array(z.number()) }),
    );
    expect(rows).toEqual([
      { n: 2, t: '2', nothing: null, list: [2, 2] },
      { n: 1, t: '1', nothing: null, list: [1, 2] },
    ]);
  });

  test.each([
    ['a CTE', 'with a as (select 1 as v) select * from a'],
    ['a trailing semicolon and comment', 'select 1 as v; -- the end'],
    ['a trailing comment without a semicolon', 'select 1 as v -- the end'],
    ['a leading comment', '/* first; */ -- then\n select 1 as v'],
    ['VALUES', 'values (1)'],
    ['TABLE', 'table pg_catalog.pg_database'],
    [
      'a recursive CTE',
      'with recursive r(v) as (select 1 union all select v + 1 from r where v < 3) select * from r',
    ],
  ])('may be written with %s', async (_, sql) => {
    await using session = await server.connect(database);
    expect((await session.query(sql, anyRow)).length).toBeGreaterThan(0);
  });

  test('may change rows and return them', async () => {
    await using session = await server.connect(database);
    await session.execute('create temp table changed (v text)');
    expect(await session.query("insert into changed values ('a') returning v", textRow)).toEqual([
      { v: 'a' },
    ]);
    expect(await session.query("-- why\nupdate changed set v = 'b' returning v", textRow)).toEqual([
      { v: 'b' },
    ]);
    expect(await session.query('delete from changed returning v', textRow)).toEqual([{ v: 'b' }]);
  });

  test.each([
    `@:/%' "$ü`,
    'back\\slash \\echo \\q',
    ':ERROR :SQLSTATE :DBNAME :\'DBNAME\' :"DBNAME"',
    'line\nbreak\r\nand\ttab',
    "'; drop database x; --",
    '$$ $x$',
    '\u2028 \u0007 \ud83d\udc18',
  ])('brings text %j back exactly', async (text) => {
    await using session = await server.connect(database);
    expect(await session.query(`select ${literal(text)} as v`, textRow)).toEqual([{ v: text }]);
  });

  test('that gives rows of another shape is an error that shows no value', async () => {
    await using session = await server.connect(database);
    const failure = await session
      .query("select 'hush' as v", z.object({ v: z.number() }))
      .catch((error) => error);
    expect(failure).toMatchObject({ code: 'SM_UNEXPECTED_ANSWER', message: expect.stringContaining('v: ') });
    expect(String(failure)).not.toContain('hush');
  });

  test('is one statement, whole', async () => {
    await using session = await server.connect(database);
    await expect(session.query('select 1; select 2', anyRow)).rejects.toThrow(TypeError);
    await expect(session.query("select 'open", anyRow)).rejects.toThrow(SyntaxError);
    expect(await session.query('select 1 as v', anyRow)).toEqual([{ v: 1 }]);
  });

  test('may return 20 MB in one value and 100 000 rows', async () => {
    await using session = await server.connect(database);
    const [big] = await session.query("select repeat('ü', 10000000) as v", textRow);
    expect(big?.v).toHaveLength(10_000_000);
    expect(await session.query('select n from generate_series(1, 100000) n', anyRow)).toHaveLength(100_000);
  });

  test('waits for those before it', async () => {
    await using session = await server.connect(database);
    const answers = await Promise.all([
      session.query("select 'first' as v from pg_sleep(0.2)", textRow),
      session.query('select 1 / 0', textRow).catch((error: unknown) => error),
      session.query("select 'third' as v", textRow),
    ]);
    expect(answers).toEqual([[{ v: 'first' }], expect.any(SqlError), [{ v: 'third' }]]);
  });
});

describe('several statements', () => {
  test('stop at the first error and happen together or not at all', async () => {
    await using session = await server.connect(database);
    await session.execute('create temp table once (v int)');
    await expect(
      session.execute('insert into once values (1); select 1 / 0; insert into once values (2)'),
    ).rejects.toMatchObject({ sqlState: '22012' });
    expect(await session.query('select * from once', anyRow)).toEqual([]);
  });

  test('may hold a transaction, function bodies and comments', async () => {
    await using session = await server.connect(database);
    await session.execute(`
      begin; -- it's open
      create function pg_temp.one() returns int language plpgsql as $$ begin return 1; end $$;
      create function pg_temp.two() returns int begin atomic select 1; select 2; end;
      commit; /* done; */`);
    expect(await session.query('select pg_temp.two() as v', anyRow)).toEqual([{ v: 2 }]);
  });

  test('whose parentheses do not match are an error, not a wait for more', async () => {
    await using session = await server.connect(database);
    await expect(session.execute('select (1')).rejects.toMatchObject({ sqlState: '42601' });
    await expect(session.execute('select 1); select (2')).rejects.toMatchObject({ sqlState: '42601' });
    await expect(
      session.execute('create function pg_temp.f() returns int begin atomic select 1'),
    ).rejects.toMatchObject({ sqlState: '42601' });
    expect(await session.query('select 1 as v', anyRow)).toEqual([{ v: 1 }]);
  });

  test('of nothing are no error', async () => {
    await using session = await server.connect(database);
    await session.execute('-- nothing');
    await session.execute('');
  });

  test('leave an aborted transaction that can be rolled back', async () => {
    await using session = await server.connect(database);
    await session.execute('begin');
    await expect(session.execute('select 1 / 0')).rejects.toMatchObject({ sqlState: '22012' });
    await expect(session.execute('select 1')).rejects.toMatchObject({ sqlState: '25P02' });
    await session.execute('rollback');
    await session.execute('select 1');
  });
});

describe('an error', () => {
  test('holds SQLSTATE and the primary message, never DETAIL, CONTEXT or a row', async () => {
    await using session = await server.connect(database);
    await session.execute(
      "create temp table people (name text unique); insert into people values ('hush-hush')",
    );
    const failure = await session.execute("insert into people values ('hush-hush')").catch((error) => error);
    expect(failure).toBeInstanceOf(SqlError);
    expect(failure).toMatchObject({
      code: 'SM_SQL',
      sqlState: '23505',
      primaryMessage: 'duplicate key value violates unique constraint "people_name_key"',
    });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hush');
  });

  test('may have a message of several lines with quotes and backslashes', async () => {
    await using session = await server.connect(database);
    const message = `first "line"\nit's \\q second`;
    await expect(
      session.execute(`do $$ begin raise exception using message = ${literal(message)}; end $$`),
    ).rejects.toMatchObject({ sqlState: 'P0001', primaryMessage: message });
    expect(await session.query('select 1 as v', anyRow)).toEqual([{ v: 1 }]);
  });
});

describe('a session', () => {
  test('has settings that do not depend on what database and role were given', async () => {
    const owned = await postgres.createOwnedDatabase('settings');
    const name = `"${owned.database}"`;
    await postgres.psql(
      'postgres',
      [
        `alter database ${name} set statement_timeout = '1ms'`,
        `alter database ${name} set idle_in_transaction_session_timeout = '1ms'`,
        `alter database ${name} set datestyle = 'German'`,
        `alter database ${name} set timezone = 'Asia/Tokyo'`,
        `alter database ${name} set intervalstyle = 'iso_8601'`,
        `alter database ${name} set bytea_output = 'escape'`,
        `alter database ${name} set extra_float_digits = -3`,
        `alter database ${name} set search_path = 'public', 'pg_catalog'`,
        `alter database ${name} set default_transaction_read_only = on`,
        `alter database ${name} set default_transaction_isolation = 'serializable'`,
        `alter database ${name} set standard_conforming_strings = off;`,
      ].join(';\n'),
    );
    const own = await serverOf(`${owned.url}?options=-c%20lock_timeout%3D1`);
    await using session = await own.connect(owned.database);
    const rows = await session.query(
      `select name, setting as v from pg_settings where name = any (array['statement_timeout', 'lock_timeout',
        'idle_in_transaction_session_timeout', 'idle_session_timeout', 'DateStyle', 'TimeZone', 'IntervalStyle', 'bytea_output',
        'extra_float_digits', 'search_path', 'default_transaction_read_only', 'default_transaction_isolation',
        'standard_conforming_strings', 'row_security', 'client_encoding'])`,
      z.object({ name: z.string(), v: z.string() }),
    );
    expect(Object.fromEntries(rows.map(({ name, v }) => [name, v]))).toEqual({
      statement_timeout: '0',
      lock_timeout: '0',
      idle_in_transaction_session_timeout: '0',
      idle_session_timeout: '0',
      DateStyle: 'ISO, MDY',
      TimeZone: 'UTC',
      IntervalStyle: 'postgres',
      bytea_output: 'hex',
      extra_float_digits: '1',
      search_path: '""',
      default_transaction_read_only: 'off',
      default_transaction_isolation: 'read committed',
      standard_conforming_strings: 'on',
      row_security: 'off',
      client_encoding: 'UTF8',
    });
  });

  test('shows its application name to others, cut to what PostgreSQL keeps', async () => {
    await using session = await server.connect(database, { applicationName: 'ü'.repeat(40) });
    const shown = await postgres.psql(
      'postgres',
      `select application_name from pg_stat_activity where pid = ${session.backendPid}`,
    );
    // Other characters than ASCII are shown as ? each byte (before 16) or as \x..; the length is what matters.
    expect(shown.length).toBeGreaterThan(30);
    await using plain = await server.connect(database);
    expect(
      await postgres.psql(
        'postgres',
        `select application_name from pg_stat_activity where pid = ${plain.backendPid}`,
      ),
    ).toBe('safe-migrate');
  });

  test('is gone from the server when its scope ends', async () => {
    let pid = 0;
    {
      await using session = await server.connect(database);
      pid = session.backendPid;
    }
    await expect
      .poll(() => postgres.psql('postgres', `select count(*) from pg_stat_activity where pid = ${pid}`))
      .toBe('0');
  });

  test.each(['we=ird name', 'quo\'te \\ back"slash', 'postgresql://x', 'Ünïcode'])(
    'can be in a database named %j',
    async (name) => {
      const owner = await postgres.createOwnedDatabase('names');
      await postgres.createDatabase(name, owner.user);
      const own = await serverOf(postgres.url({ database: name, user: owner.user }));
      await using session = await own.connect(name);
      expect(await session.query('select current_database() as v', textRow)).toEqual([{ v: name }]);
    },
  );
});

describe('a lost session', () => {
  const lost = { code: 'SM_CONNECTION_LOST' };

  test('fails the running statement and all later ones when it is terminated', async () => {
    await using session = await server.connect(database);
    const running = session.execute('select pg_sleep(60)');
    const refused = expect(running).rejects.toMatchObject({
      ...lost,
      message: expect.stringContaining('57P01'),
    });
    await sleep(100);
    await postgres.psql('postgres', `select pg_terminate_backend(${session.backendPid})`);
    await refused;
    await expect(session.execute('select 1')).rejects.toMatchObject(lost);
    await expect(session.query('select 1', anyRow)).rejects.toMatchObject(lost);
  });

  test('fails the next statement when it is terminated while idle', async () => {
    await using session = await server.connect(database);
    await postgres.psql('postgres', `select pg_terminate_backend(${session.backendPid})`);
    await expect(session.execute('select 1')).rejects.toMatchObject(lost);
  });

  test('fails when the server stops at once', async () => {
    await using cluster = await startPostgres();
    const own = await serverOf(cluster.url());
    await using session = await own.connect('postgres');
    await using idle = await own.connect('postgres');
    const running = expect(session.execute('select pg_sleep(60)')).rejects.toMatchObject(lost);
    await sleep(100);
    await cluster.stop('immediate');
    await running;
    await expect(idle.execute('select 1')).rejects.toMatchObject(lost);
    await expect(own.connect('postgres')).rejects.toMatchObject({ code: 'SM_UNREACHABLE' });
  });

  test('leaves no query behind when it is killed', async () => {
    const session = await server.connect(database);
    const running = expect(session.execute('select pg_sleep(60)')).rejects.toMatchObject(lost);
    await sleep(100);
    session.kill();
    await running;
    await expect
      .poll(() =>
        postgres.psql('postgres', `select count(*) from pg_stat_activity where pid = ${session.backendPid}`),
      )
      .toBe('0');
    await session[Symbol.asyncDispose]();
    await expect(session.execute('select 1')).rejects.toMatchObject(lost);
  });

  test('ends at once when its scope is left while a statement runs', async () => {
    const startedAtMs = Date.now();
    const session = await server.connect(database);
    const running = expect(session.execute('select pg_sleep(60)')).rejects.toMatchObject(lost);
    await sleep(100);
    await session[Symbol.asyncDispose]();
    await running;
    expect(Date.now() - startedAtMs).toBeLessThan(5000);
  });
});
