import { beforeAll, describe, expect, test } from 'vitest';
import { copyName } from '../../../src/database/postgres/copy/copy-name.ts';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { propertiesOf, prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

let count = 0;
/** A database made by `CREATE DATABASE "<name>" <clauses>`, owned by a role of its own that may create databases. */
async function targetMadeWith(clauses: string, schema: string, name?: string): Promise<PostgresServer> {
  count += 1;
  const user = `shape_owner_${process.pid}_${count}`;
  const database = name ?? `shape_${process.pid}_${count}`;
  await cluster.createRole(user);
  const quoted = `"${database.replaceAll('"', '""')}"`;
  await cluster.psql('postgres', `CREATE DATABASE ${quoted} OWNER "${user}" TEMPLATE template0 ${clauses}`);
  await cluster.psql(database, schema, { user });
  return serverOf(cluster.url({ database, user }));
}

async function expectProved(server: PostgresServer): Promise<void> {
  await using backup = await takeBackup(server);
  const fallback = await prove(server, backup);
  const copied = await propertiesOf(server, fallback.name);
  expect({ ...copied, comment: null }).toEqual({ ...backup.properties, comment: null });
  await using admin = await server.connect(server.address.database);
  await dropCopy(admin, server.address.database, fallback.name);
}

describe('databases of every shape are proved', () => {
  test('an empty one', async () => {
    await expectProved(await targetMadeWith('', 'SELECT 1'));
  });

  test('one without a schema public', async () => {
    await expectProved(
      await targetMadeWith(
        '',
        'DROP SCHEMA public; CREATE SCHEMA app; CREATE TABLE app.t (a integer CHECK (a IN (1, 2)))',
      ),
    );
  });

  test('one whose schema public has another owner and no rights for others', async () => {
    const server = await targetMadeWith('', 'CREATE TABLE public.t AS SELECT 1 AS a');
    await cluster.psql(
      server.address.database,
      `ALTER SCHEMA public OWNER TO "${server.address.user}"; REVOKE ALL ON SCHEMA public FROM PUBLIC; COMMENT ON SCHEMA public IS 'ours'`,
    );
    await expectProved(server);
  });

  test('one whose schema public is the superuser’s, as pg_upgrade leaves it', async () => {
    const server = await targetMadeWith('', 'CREATE TABLE public.t AS SELECT 1 AS a');
    await cluster.psql(
      server.address.database,
      `ALTER SCHEMA public OWNER TO "${cluster.info.superuser}"; GRANT ALL ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'ours'`,
    );
    await expectProved(server);
  });

  test('one in LATIN1 with the C locale', async () => {
    await expectProved(
      await targetMadeWith(
        `ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
        `SET client_encoding = 'UTF8'; CREATE TABLE "crème" ("é" text CHECK ("é" <> 'ß')); INSERT INTO "crème" VALUES ('brûlée'); COMMENT ON TABLE "crème" IS 'à la carte'`,
      ),
    );
  });

  test('one with an ICU locale', async () => {
    await expectProved(
      await targetMadeWith(
        `LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'`,
        `CREATE TABLE t (a text PRIMARY KEY); INSERT INTO t VALUES ('ä'), ('z')`,
      ),
    );
  });

  test('one whose name needs quoting and fills all 63 bytes', async () => {
    const stem = `it's "my" \\db\\ =é ${process.pid} `;
    const name = stem + 'x'.repeat(63 - Buffer.byteLength(stem));
    const server = await targetMadeWith('', 'CREATE TABLE t (t text); INSERT INTO t VALUES (NULL)', name);
    expect(Buffer.byteLength(copyName(name, 'fallback', 'r1'))).toBe(63);
    await expectProved(server);
  });

  test('one whose privileges were passed on by others', async () => {
    const server = await targetMadeWith('', 'SELECT 1');
    const { database, user } = server.address;
    const [keeper, guest] = [`${user} "keeper"`, `${user}_guest`];
    const quoted = `"${keeper.replaceAll('"', '""')}"`;
    await cluster.createRole(keeper, { attributes: 'NOSUPERUSER' });
    await cluster.createRole(guest, { attributes: 'NOSUPERUSER' });
    await cluster.psql(
      'postgres',
      `GRANT ${quoted} TO "${user}"; REVOKE ALL ON DATABASE "${database}" FROM PUBLIC;
       GRANT ALL ON DATABASE "${database}" TO ${quoted} WITH GRANT OPTION;
       SET ROLE ${quoted}; GRANT TEMPORARY ON DATABASE "${database}" TO "${guest}", PUBLIC;`,
    );
    expect((await propertiesOf(server, database)).acl).toHaveLength(4);
    await expectProved(server);
  });

  test('one that another role owns, as a member of it', async () => {
    const server = await targetMadeWith('', 'SELECT 1');
    const { database, user } = server.address;
    const team = `${user}_team`;
    await cluster.psql(
      'postgres',
      `CREATE ROLE "${team}" CREATEDB; GRANT "${team}" TO "${user}"; ALTER DATABASE "${database}" OWNER TO "${team}"`,
    );
    await cluster.psql(database, `SET ROLE "${team}"; CREATE TABLE teams (a integer)`, { user });
    await expectProved(server);
  });
});
