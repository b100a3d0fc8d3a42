import { beforeAll, describe, expect, test } from 'vitest';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { answers, dependent } from '../../support/dependent-on-settings.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { type Backup, propertiesOf, prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

interface Target {
  readonly server: PostgresServer;
  readonly database: string;
  readonly user: string;
  sql(text: string): Promise<string>;
}

async function targetWith(
  setUp: (names: { database: string; user: string }) => string,
  schema: string,
): Promise<Target> {
  const { database, user, url } = await cluster.createOwnedDatabase('settings');
  await cluster.psql('postgres', setUp({ database, user }));
  const sql = (text: string) => cluster.psql(database, text, { user });
  await sql(schema);
  return { server: await serverOf(url), database, user, sql };
}

/** Proves a backup, opens the copy, asks it `questions` as the role of the target would, and drops it. */
async function askCopy(target: Target, backup: Backup, questions: string): Promise<string> {
  const fallback = await prove(target.server, backup);
  expect(fallback.told).toEqual([]);
  const copied = await propertiesOf(target.server, fallback.name);
  expect({ ...copied, comment: null }).toEqual({ ...backup.properties, comment: null });
  await cluster.psql('postgres', `ALTER DATABASE "${fallback.name}" ALLOW_CONNECTIONS true`);
  const answer = await cluster.psql(fallback.name, questions, { user: target.user });
  await using admin = await target.server.connect(target.database);
  await dropCopy(admin, target.database, fallback.name);
  return answer;
}

const german = ({ database }: { database: string }) => `
  ALTER DATABASE "${database}" SET TimeZone TO 'Asia/Tokyo';
  ALTER DATABASE "${database}" SET default_text_search_config TO 'german';
  ALTER DATABASE "${database}" SET DateStyle TO 'SQL, DMY';
  ALTER DATABASE "${database}" SET IntervalStyle TO 'sql_standard';
  ALTER DATABASE "${database}" SET lc_monetary TO 'C';
  ALTER DATABASE "${database}" SET quote_all_identifiers TO on;
  ALTER DATABASE "${database}" SET statement_timeout TO '100ms';
  ALTER DATABASE "${database}" SET array_nulls TO off;
  ALTER DATABASE "${database}" SET default_transaction_read_only TO on`;

const free = 'SET statement_timeout = 0; SET default_transaction_read_only = off;';

describe('what a session computes is computed in the copy as in its source', () => {
  test('under the settings of the database, and what would stop a restore comes afterwards', async () => {
    const target = await targetWith(
      german,
      `${free} ${dependent} SET array_nulls = on; CREATE TABLE arrays AS SELECT '{NULL,1}'::text[] AS a;`,
    );
    await using backup = await takeBackup(target.server);
    const expected = await target.sql(`${free} ${answers}`);
    expect(expected.split('\n').slice(0, 3)).toEqual(['24', '500', '1']);
    expect(await askCopy(target, backup, `${free} ${answers}`)).toBe(expected);
  });

  test('under the settings of the role in the database', async () => {
    const target = await targetWith(
      ({ database, user }) => `
        ALTER DATABASE "${database}" SET TimeZone TO 'America/Lima';
        ALTER ROLE "${user}" IN DATABASE "${database}" SET TimeZone TO 'Asia/Tokyo';
        ALTER ROLE "${user}" IN DATABASE "${database}" SET statement_timeout TO '100ms';
        ALTER ROLE "${user}" IN DATABASE "${database}" SET default_text_search_config TO 'german'`,
      `${free} ${dependent}`,
    );
    await using backup = await takeBackup(target.server);
    const expected = await target.sql(`${free} ${answers}`);
    expect(await askCopy(target, backup, `${free} ${answers}`)).toBe(expected);
  });

  test('with a text search configuration of the database’s own, found by its search_path', async () => {
    const target = await targetWith(
      ({ database }) => `ALTER DATABASE "${database}" SET search_path TO app, public`,
      `CREATE SCHEMA app;
       CREATE TEXT SEARCH DICTIONARY app.stems (TEMPLATE = snowball, Language = german);
       CREATE TEXT SEARCH CONFIGURATION app.ours (COPY = german);
       ALTER TEXT SEARCH CONFIGURATION app.ours ALTER MAPPING FOR asciiword, word WITH app.stems;`,
    );
    await cluster.psql(
      target.database,
      `ALTER DATABASE "${target.database}" SET default_text_search_config TO 'ours'`,
    );
    await target.sql(dependent);
    await using backup = await takeBackup(target.server);
    expect(backup.fingerprint.sessionValues).toMatchObject({ default_text_search_config: 'app.ours' });
    const expected = await target.sql(answers);
    expect(expected.split('\n')[1]).toBe('500');
    expect(await askCopy(target, backup, answers)).toBe(expected);
  });

  test('under what came from outside of the database when the backup was made', async () => {
    const target = await targetWith(
      ({ user }) => `
        ALTER ROLE "${user}" SET TimeZone TO 'Asia/Tokyo';
        ALTER ROLE "${user}" SET default_text_search_config TO 'german'`,
      dependent,
    );
    await using backup = await takeBackup(target.server);
    const expected = await target.sql(answers);
    // As on another server, whose role has another setting and whose postgresql.conf says nothing.
    await cluster.psql(
      'postgres',
      `ALTER ROLE "${target.user}" RESET ALL; ALTER ROLE "${target.user}" SET TimeZone TO 'America/Lima'`,
    );
    const asThen = `SET TimeZone = 'Asia/Tokyo'; SET default_text_search_config = 'german'; ${answers}`;
    expect(await askCopy(target, backup, asThen)).toBe(expected);
  });

  test('a value that this server cannot give is told', async () => {
    const target = await targetWith(() => 'SELECT 1', 'CREATE TABLE t (a integer)');
    await using backup = await takeBackup(target.server);
    const { sessionValues, ...older } = backup.fingerprint;
    const elsewhere = { ...older, sessionValues: { ...sessionValues, lc_time: 'xx_XX.UTF-8' } };
    const fallback = await prove(target.server, backup, { expected: elsewhere });
    expect(fallback.told).toEqual([
      'lc_time was xx_XX.UTF-8 where the backup was made and cannot be set so here: the copy was filled and indexed under C.UTF-8',
    ]);
    // A backup of a version that did not record them.
    expect((await prove(target.server, backup, { expected: older, run: 'r2' })).told).toEqual([]);
  });
});
