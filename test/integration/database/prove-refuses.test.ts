import { copyFile, stat, truncate } from 'node:fs/promises';
import { PassThrough, Writable } from 'node:stream';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Fingerprint } from '../../../src/database/database.ts';
import { openSnapshot } from '../../../src/database/postgres/archive/snapshot.ts';
import { claimCopy } from '../../../src/database/postgres/copy/claim-copy.ts';
import { copyMark } from '../../../src/database/postgres/copy/copy-mark.ts';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import { fingerprintDatabase } from '../../../src/database/postgres/fingerprint/fingerprint.ts';
import { compareFingerprints } from '../../../src/database/postgres/prove/compare-fingerprints.ts';
import { readSchemaText } from '../../../src/database/postgres/schema/schema-text.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, recordingLog, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const never = new AbortController().signal;

interface Target {
  readonly server: PostgresServer;
  readonly database: string;
  readonly user: string;
  /** Runs SQL in the target as its owner. */
  sql(text: string): Promise<string>;
}

async function targetWith(schema: string): Promise<Target> {
  const { database, user, url } = await cluster.createOwnedDatabase('prove');
  const sql = (text: string) => cluster.psql(database, text, { user });
  await sql(schema);
  return { server: await serverOf(url), database, user, sql };
}

async function copiesOf(target: Target): Promise<string[]> {
  return (await cluster.databases()).filter((name) => name.startsWith(`${target.database}__`));
}

const smallSchema = `
  CREATE EXTENSION citext VERSION '1.5';
  CREATE TABLE people (id serial PRIMARY KEY, name citext, born date CHECK (born IN ('2000-01-01', '2001-01-01')));
  INSERT INTO people (name, born) VALUES ('Ann', '2000-01-01'), ('Bob', NULL);
  SELECT lo_from_bytea(4711, 'content');
  CREATE MATERIALIZED VIEW names AS SELECT name FROM people;`;

describe('what has changed is found', () => {
  const changes: readonly (readonly [string, string, string])[] = [
    [
      'a value',
      `UPDATE people SET name = 'ANN' WHERE id = 1`,
      'table public.people has 2 rows as expected, but not the same contents',
    ],
    [
      'a null',
      `UPDATE people SET name = NULL WHERE id = 1`,
      'table public.people has 2 rows as expected, but not the same contents',
    ],
    [
      'values that change places',
      `UPDATE people SET id = 3 - id + 0 WHERE false; UPDATE people SET born = CASE id WHEN 2 THEN date '2000-01-01' END`,
      'table public.people has 2 rows as expected, but not the same contents',
    ],
    ['a row more', `INSERT INTO people (id) VALUES (9)`, 'table public.people has 3 rows instead of 2'],
    [
      'a sequence',
      `SELECT setval('people_id_seq', 1)`,
      'sequence public.people_id_seq stands at 1 instead of 2',
    ],
    [
      'a large object',
      `SELECT lo_put(4711, 3, '!')`,
      'large objects: 1 as expected, but not the same contents, owners or grants',
    ],
    [
      'a grant on a large object',
      `GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC`,
      'large objects: 1 as expected, but not the same contents, owners or grants',
    ],
    ['a large object more', `SELECT lo_create(4712)`, 'large objects: 2 instead of 1'],
    ['an extension', `ALTER EXTENSION citext UPDATE`, 'extension citext has version 1.6 instead of 1.5'],
    [
      'an unpopulated view',
      `REFRESH MATERIALIZED VIEW names WITH NO DATA`,
      'materialized view public.names is not populated',
    ],
  ];

  test('each kind of content', async () => {
    const target = await targetWith(smallSchema);
    const read = async (): Promise<Fingerprint> =>
      (await fingerprintDatabase(target.server, target.database, { jobs: 2, signal: never })).fingerprint;
    for (const [what, change, difference] of changes) {
      const before = await read();
      await target.sql(change);
      expect(compareFingerprints(before, await read()).differences, what).toEqual([difference]);
      await target.sql(
        'DROP EXTENSION citext CASCADE; DROP MATERIALIZED VIEW IF EXISTS names; DROP TABLE people; SELECT lo_unlink(oid) FROM pg_largeobject_metadata;',
      );
      await target.sql(smallSchema);
    }
  });

  test('a copy that is not equal is refused with its differences, and dropped', async () => {
    const target = await targetWith(smallSchema);
    await using backup = await takeBackup(target.server);
    const [table] = backup.fingerprint.tables;
    if (table === undefined) throw new Error('no table');
    const expected = { ...backup.fingerprint, tables: [{ ...table, digest: '1' }] };
    const { log, lines } = recordingLog();
    await expect(prove(target.server, backup, { expected, log })).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringContaining(
        'table public.people has 2 rows as expected, but not the same contents',
      ),
    });
    expect(lines).toContain('table public.people has 2 rows as expected, but not the same contents');
    expect(await copiesOf(target)).toEqual([]);
  });

  test('a sequence that an application moves on is no difference, one that lags behind is', async () => {
    const target = await targetWith(
      "CREATE SEQUENCE up; SELECT setval('up', 50); CREATE SEQUENCE down INCREMENT -1 MINVALUE -100;",
    );
    await using backup = await takeBackup(target.server);
    const at = (value: string): Fingerprint => ({
      ...backup.fingerprint,
      sequences: backup.fingerprint.sequences.map((sequence) =>
        sequence.name === 'up' ? { ...sequence, lastValue: value } : sequence,
      ),
    });
    await prove(target.server, backup, { expected: at('49'), run: 'ahead' });
    await expect(prove(target.server, backup, { expected: at('51') })).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringContaining('sequence public.up stands at 50 instead of 51'),
    });
    expect(await copiesOf(target)).toEqual([`${target.database}__fallback_ahead`]);
  });

  test('a schema that differs is found although expressions deparse differently, and the scratch is gone', async () => {
    const target = await targetWith(smallSchema);
    await using backup = await takeBackup(target.server);
    await target.sql(
      'CREATE INDEX people_born ON people (born); ALTER TABLE people ALTER name SET NOT NULL;',
    );
    const expectedSchemaText = await readSchemaText(target.server, { database: target.database }, never);
    await target.sql('DROP INDEX people_born');
    await expect(prove(target.server, backup, { expectedSchemaText })).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringMatching(
        /TABLE public\.people is defined differently; INDEX public\.people_born is missing/,
      ),
    });
    expect(await copiesOf(target)).toEqual([]);
  });
});

describe('what cannot be restored is refused', () => {
  test('a CHECK that uses a function of unqualified names, the table named and no value shown', async () => {
    const target = await targetWith(`
      CREATE FUNCTION helper(value text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT length(value) > 2';
      CREATE FUNCTION is_good(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN helper(value); END';
      CREATE TABLE cards (number text CHECK (is_good(number)));
      INSERT INTO cards VALUES ('4111 1111 1111 1111');`);
    await using backup = await takeBackup(target.server);
    const error = await prove(target.server, backup).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'SM_RESTORE_FAILED',
      message: expect.stringMatching(/TABLE DATA cards.*function helper\(text\) does not exist/),
    });
    expect(String(error)).not.toContain('4111');
    expect(await copiesOf(target)).toEqual([]);
  });

  test('an index that uses one, already when it is read, by its table', async () => {
    const target = await targetWith(`
      CREATE TABLE first (a integer); CREATE TABLE last (a integer);
      CREATE TABLE rates (rate integer); INSERT INTO rates VALUES (1);
      CREATE FUNCTION is_even(value integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT value % 2 = 0';
      CREATE FUNCTION is_odd(value integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT NOT is_even(value)';
      CREATE INDEX ON rates (is_odd(rate));`);
    await expect(takeBackup(target.server)).rejects.toMatchObject({
      code: 'SM_READ_FAILED',
      message: expect.stringMatching(/^table public\.rates could not be read: .*is_even/),
      hint: expect.stringContaining('SET search_path'),
    });
  });

  test('a generated column that would get another value', async () => {
    const target = await targetWith(`
      CREATE TABLE rates (rate integer); CREATE TABLE sums (a integer);
      CREATE FUNCTION rates() RETURNS text LANGUAGE plpgsql IMMUTABLE AS
        'BEGIN RETURN (SELECT count(*) FROM rates); EXCEPTION WHEN OTHERS THEN RETURN ''none''; END';
      ALTER TABLE sums ADD found text GENERATED ALWAYS AS (rates()) STORED;
      INSERT INTO sums VALUES (1);`);
    await using backup = await takeBackup(target.server);
    await expect(prove(target.server, backup)).rejects.toMatchObject({
      code: 'SM_NOT_EQUAL',
      message: expect.stringContaining('table public.sums has 1 rows as expected, but not the same contents'),
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test.each([
    [
      'an event trigger',
      `CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION noticed()`,
      'FUNCTION public.noticed',
    ],
    ['a publication of all tables', 'CREATE PUBLICATION everything FOR ALL TABLES', 'PUBLICATION everything'],
    [
      "a superuser's table",
      'CREATE TABLE salaries (a integer); GRANT SELECT ON salaries TO PUBLIC',
      'TABLE public.salaries',
    ],
    [
      'an operator class',
      'CREATE OPERATOR CLASS public.other FOR TYPE integer USING btree AS OPERATOR 3 =, FUNCTION 1 btint4cmp(integer, integer)',
      'OPERATOR FAMILY public.other',
    ],
  ])('%s, which only a superuser could bring back, by its name', async (_, made, named) => {
    const target = await targetWith('CREATE TABLE ours (a integer)');
    await cluster.psql(target.database, made);
    await using backup = await takeBackup(target.server);
    await expect(prove(target.server, backup)).rejects.toMatchObject({
      code: 'SM_RESTORE_FAILED',
      message: expect.stringContaining(named),
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test('a materialized view that uses a function of unqualified names', async () => {
    const target = await targetWith(`
      CREATE TABLE rates (rate numeric);
      CREATE FUNCTION rate() RETURNS numeric LANGUAGE sql STABLE AS 'SELECT max(rate) FROM rates';
      CREATE MATERIALIZED VIEW best AS SELECT rate();`);
    await using backup = await takeBackup(target.server);
    await expect(prove(target.server, backup)).rejects.toMatchObject({
      code: 'SM_RESTORE_FAILED',
      message: expect.stringMatching(/MATERIALIZED VIEW public\.best.*relation "rates" does not exist/),
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test('an extension that only a superuser may create, by its name', async () => {
    const target = await targetWith('SELECT 1');
    await cluster.psql(target.database, 'CREATE EXTENSION pageinspect');
    await using backup = await takeBackup(target.server);
    await expect(prove(target.server, backup)).rejects.toMatchObject({
      code: 'SM_RESTORE_FAILED',
      message: expect.stringContaining('the extension pageinspect cannot be restored'),
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test('a file that is cut off', async () => {
    const target = await targetWith(
      'CREATE TABLE numbers AS SELECT n, md5(n::text) FROM generate_series(1, 20000) n',
    );
    await using backup = await takeBackup(target.server);
    const cut = `${backup.dumpPath}.cut`;
    await copyFile(backup.dumpPath, cut);
    await truncate(cut, Math.round((await stat(cut)).size * 0.6));
    await expect(prove(target.server, backup, { dumpPath: cut })).rejects.toMatchObject({
      code: 'SM_RESTORE_FAILED',
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test('a setting that the role may not make, by its name', async () => {
    const target = await targetWith('SELECT 1');
    await cluster.psql(
      'postgres',
      `ALTER DATABASE "${target.database}" SET log_min_duration_statement TO '5s'`,
    );
    await using backup = await takeBackup(target.server);
    await expect(prove(target.server, backup)).rejects.toMatchObject({
      code: 'SM_PROPERTY',
      message: expect.stringContaining('the setting log_min_duration_statement cannot be carried over'),
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test('an owner for whom the role may not act, before anything is created', async () => {
    const target = await targetWith('SELECT 1');
    await using backup = await takeBackup(target.server);
    const properties = { ...backup.properties, owner: 'postgres' };
    await expect(prove(target.server, backup, { properties })).rejects.toMatchObject({
      code: 'SM_PROPERTY',
      message: expect.stringContaining('the owner postgres cannot be carried over'),
    });
    expect(await copiesOf(target)).toEqual([]);
  });

  test('a name that is taken, and what has it stays', async () => {
    const target = await targetWith('SELECT 1');
    await using backup = await takeBackup(target.server);
    await prove(target.server, backup);
    await expect(prove(target.server, backup)).rejects.toMatchObject({
      code: 'SM_RESTORE_FAILED',
      message: expect.stringContaining('already exists'),
    });
    expect(await copiesOf(target)).toEqual([`${target.database}__fallback_r1`]);
  });
});

describe('an aborted proof', () => {
  test('rejects with the reason and leaves no copy', async () => {
    const target = await targetWith(
      'CREATE TABLE numbers AS SELECT n, md5(n::text) FROM generate_series(1, 300000) n; CREATE INDEX ON numbers (md5);',
    );
    await using backup = await takeBackup(target.server);
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error('cancelled')), 400);
    await expect(prove(target.server, backup, { signal: abort.signal })).rejects.toThrow('cancelled');
    expect(await copiesOf(target)).toEqual([]);
  });
});

describe('a dump that did not come to its end', () => {
  const bigSchema = `CREATE TABLE big AS SELECT md5(n::text) || md5((-n)::text) AS text FROM generate_series(1, 400000) n`;

  test('never looks complete when the server ends it', async () => {
    const target = await targetWith(bigSchema);
    await using snapshot = await openSnapshot(target.server);
    let isFinished = false;
    let killed = false;
    const sink = new Writable({
      highWaterMark: 16 * 1024,
      write(_chunk, _encoding, done) {
        if (killed) return done();
        killed = true;
        cluster
          .psql(
            'postgres',
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${target.database}' AND application_name = 'safe-migrate dump'`,
          )
          .then(() => done(), done);
      },
      final(done) {
        isFinished = true;
        done();
      },
    });
    await expect(snapshot.dump(sink, never)).rejects.toMatchObject({
      code: 'SM_DUMP_FAILED',
      message: expect.stringContaining('big'),
    });
    expect(isFinished).toBe(false);
    expect(sink.destroyed).toBe(true);
    expect(sink.errored).toMatchObject({ code: 'SM_DUMP_FAILED' });
  });

  test('says when its sink is full', async () => {
    const target = await targetWith(bigSchema);
    await using snapshot = await openSnapshot(target.server);
    const sink = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
      },
    });
    await expect(snapshot.dump(sink, never)).rejects.toMatchObject({
      code: 'SM_DUMP_FAILED',
      message: expect.stringContaining('no space left on device'),
    });
  });

  test('ends at once when it is aborted', async () => {
    const target = await targetWith(bigSchema);
    await using snapshot = await openSnapshot(target.server);
    const abort = new AbortController();
    const sink = new PassThrough();
    // Nobody reads: pg_dump stands still with the pipe full.
    setTimeout(() => abort.abort(new Error('cancelled')), 300);
    await expect(snapshot.dump(sink, abort.signal)).rejects.toThrow('cancelled');
    expect(sink.destroyed).toBe(true);
  });

  test('names the table that the role cannot read', async () => {
    const target = await targetWith('CREATE TABLE open (a integer)');
    await cluster.psql(target.database, 'CREATE TABLE public.salaries (amount integer)');
    await using snapshot = await openSnapshot(target.server);
    await expect(snapshot.dump(new PassThrough(), never)).rejects.toMatchObject({
      code: 'SM_DUMP_FAILED',
      message: expect.stringContaining('permission denied for table salaries'),
    });
    await expect(snapshot.fingerprint(2, never)).rejects.toMatchObject({
      message: expect.stringContaining('salaries'),
    });
  });
});

describe('dropping a copy', () => {
  test('only what mark and name prove to be one is dropped', async () => {
    const target = await targetWith('SELECT 1');
    const { database } = target;
    const other = `${database}__fallback_other`;
    onTestFinished(() => cluster.psql('postgres', `DROP DATABASE IF EXISTS "${other}"`).then(() => {}));
    await cluster.psql('postgres', `CREATE DATABASE "${other}" OWNER "${target.user}" TEMPLATE template0`);
    await using admin = await target.server.connect(database);

    await expect(dropCopy(admin, database, other)).rejects.toMatchObject({ code: 'SM_NOT_A_COPY' });
    const foreign = copyMark({ kind: 'fallback', target: 'another', run: 'other' }).replaceAll("'", "''");
    await cluster.psql('postgres', `COMMENT ON DATABASE "${other}" IS '${foreign}'`);
    await expect(dropCopy(admin, database, other)).rejects.toMatchObject({ code: 'SM_NOT_A_COPY' });
    await expect(dropCopy(admin, database, database)).rejects.toMatchObject({ code: 'SM_NOT_A_COPY' });
    expect(await copiesOf(target)).toEqual([other]);

    const mark = copyMark({ kind: 'fallback', target: database, run: 'other' });
    await cluster.psql('postgres', `COMMENT ON DATABASE "${other}" IS '${mark}'`);
    // Somebody is connected: ended, for it is a copy.
    const visitor = target.server.connect(other);
    await using session = await visitor;
    await dropCopy(admin, database, other);
    expect(await copiesOf(target)).toEqual([]);
    await expect(session.execute('SELECT 1')).rejects.toMatchObject({ code: 'SM_CONNECTION_LOST' });
    await expect(dropCopy(admin, database, other)).resolves.toBeUndefined();
  });

  test('one whose drop was interrupted is dropped to its end', async () => {
    const target = await targetWith('SELECT 1');
    const { database } = target;
    const copy = `${database}__fallback_other`;
    const mark = copyMark({ kind: 'fallback', target: database, run: 'other' });
    await cluster.psql('postgres', `CREATE DATABASE "${copy}" OWNER "${target.user}" TEMPLATE template0`);
    // As the server leaves it when it dies in DROP DATABASE.
    await cluster.psql(
      'postgres',
      `COMMENT ON DATABASE "${copy}" IS '${mark}'; UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${copy}'`,
    );
    await using admin = await target.server.connect(database);
    await dropCopy(admin, database, copy);
    expect(await copiesOf(target)).toEqual([]);
  });

  test('one that its run had no time to mark is claimed when it is empty, and nothing else is', async () => {
    const target = await targetWith('SELECT 1');
    const { database } = target;
    const mark = { kind: 'fallback', target: database, run: 'other' } as const;
    const copy = `${database}__fallback_other`;
    await cluster.psql('postgres', `CREATE DATABASE "${copy}" OWNER "${target.user}" TEMPLATE template0`);
    await using admin = await target.server.connect(database);
    const isClaimed = async () => {
      await claimCopy(target.server, admin, mark);
      const comment = `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${copy}'`;
      return (await cluster.psql('postgres', comment)) === copyMark(mark);
    };
    await cluster.psql(copy, 'CREATE TABLE theirs ()');
    expect(await isClaimed()).toBe(false);
    await cluster.psql(copy, `DROP TABLE theirs; COMMENT ON DATABASE "${copy}" IS 'theirs'`);
    expect(await isClaimed()).toBe(false);
    await cluster.psql(copy, `COMMENT ON DATABASE "${copy}" IS NULL`);
    expect(await isClaimed()).toBe(true);
    await dropCopy(admin, database, copy);
    expect(await copiesOf(target)).toEqual([]);
    await expect(claimCopy(target.server, admin, mark)).resolves.toBeUndefined();
  });
});
