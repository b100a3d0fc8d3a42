import { beforeAll, describe, expect, test } from 'vitest';
import type { Fallback } from '../../../src/database/database.ts';
import { readSchemaText, schemaDigest } from '../../../src/database/postgres/schema/schema-text.ts';
import { needPart } from '../../support/needed-parts.ts';
import { installExtension } from '../../support/own-extension.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  needPart('postgis');
  cluster = await sharedPostgres();
});

/** Proves a database in which a superuser has run this SQL. */
async function proveWith(sql: string): Promise<Fallback> {
  const { database } = await cluster.createOwnedDatabase('members');
  await cluster.psql(database, sql);
  const server = await serverOf(cluster.url({ database }));
  await using backup = await takeBackup(server);
  return await prove(server, backup);
}

const notEqual = (...sentences: readonly RegExp[]) => ({
  code: 'SM_NOT_EQUAL',
  message: expect.toSatisfy((message: string) => sentences.every((sentence) => sentence.test(message))),
});

describe('what belongs to an extension and is not made by it', () => {
  test('a table with rows, which no dump holds, is refused by name', async () => {
    const made = proveWith(`CREATE EXTENSION citext; CREATE TABLE jobs (id int PRIMARY KEY);
      INSERT INTO jobs SELECT generate_series(1, 1000); ALTER EXTENSION citext ADD TABLE jobs`);
    await expect(made).rejects.toMatchObject(notEqual(/table public\.jobs is missing/));
  });

  test('a function is refused as well', async () => {
    const made =
      proveWith(`CREATE EXTENSION citext; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
      ALTER EXTENSION citext ADD FUNCTION f()`);
    await expect(made).rejects.toMatchObject(notEqual(/function public\.f\(\) is missing/));
  });

  test('an unlogged one, which queues and caches have, is refused: the extension could not work without it', async () => {
    const made = proveWith(`CREATE EXTENSION citext; CREATE UNLOGGED TABLE queue (id int PRIMARY KEY);
      ALTER EXTENSION citext ADD TABLE queue`);
    await expect(made).rejects.toMatchObject(notEqual(/table public\.queue is missing/));
  });
});

test('what passes through an extension’s unlogged tables is told and refuses nothing, its settings are proved', async () => {
  await installExtension(
    cluster,
    'post_office',
    `CREATE UNLOGGED TABLE letters (id bigserial PRIMARY KEY, body text);
     CREATE TABLE boxes (id int PRIMARY KEY, owner text, is_builtin boolean NOT NULL DEFAULT false);
     INSERT INTO boxes VALUES (1, 'office', true);
     SELECT pg_catalog.pg_extension_config_dump('boxes', 'WHERE NOT is_builtin')`,
  );
  const { told, fingerprint } = await proveWith(`CREATE SCHEMA post; CREATE EXTENSION post_office SCHEMA post;
    INSERT INTO post.letters (body) VALUES ('a'), ('b'); INSERT INTO post.boxes VALUES (2, 'ours')`);
  expect(told).toEqual([
    'table post.letters of extension post_office is unlogged and holds what passes: its rows are not in the backup',
  ]);
  expect(fingerprint.tables.find(({ table }) => table === 'boxes')).toMatchObject({ rows: 2 });
});

describe('PostGIS', () => {
  test('is proved as it comes, with reference systems of the user’s own', async () => {
    const { told, fingerprint } = await proveWith(`CREATE EXTENSION postgis;
      INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext) VALUES (998001, 'ours', 1, 'LOCAL_CS["ours"]');
      CREATE TABLE places (id int PRIMARY KEY, at geometry(Point, 4326)); CREATE INDEX near ON places USING gist (at);
      INSERT INTO places VALUES (1, ST_SetSRID(ST_MakePoint(13.4, 52.5), 4326))`);
    expect(told).toEqual([]);
    expect(fingerprint.tables.find(({ table }) => table === 'spatial_ref_sys')).toMatchObject({
      rows: 8501,
      extension: 'postgis',
    });
  });

  test('is refused by name with rows edited and removed, an index and a trigger of the user’s', async () => {
    const made = proveWith(`CREATE EXTENSION postgis;
      UPDATE spatial_ref_sys SET proj4text = 'edited' WHERE srid = 4326; DELETE FROM spatial_ref_sys WHERE srid = 4258;
      CREATE INDEX ours ON spatial_ref_sys (auth_srid);
      CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER tr BEFORE INSERT ON spatial_ref_sys FOR EACH ROW EXECUTE FUNCTION t()`);
    await expect(made).rejects.toMatchObject(
      notEqual(
        /table public\.spatial_ref_sys has 8500 rows instead of 8499/,
        /index public\.ours is missing/,
        /trigger tr on public\.spatial_ref_sys is missing/,
      ),
    );
  });
});

describe('what a dump cannot bring back as it was', () => {
  test('foreign keys that a superuser has switched off are refused by name', async () => {
    const made = proveWith(`CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a);
      ALTER TABLE b DISABLE TRIGGER ALL`);
    await expect(made).rejects.toMatchObject(
      notEqual(/trigger of constraint b_a_fkey of public\.b: .* on public\.b: tgenabled is O instead of D/),
    );
  });

  test('rows in partitions by the hash of an enum may lie elsewhere, and all of them are there', async () => {
    const { told } = await proveWith(`CREATE TYPE kind AS ENUM ('a', 'b', 'c', 'd', 'e');
      CREATE TABLE events (kind kind, n int) PARTITION BY HASH (kind);
      CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 0);
      CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 1);
      CREATE TABLE events_2 PARTITION OF events FOR VALUES WITH (MODULUS 3, REMAINDER 2);
      INSERT INTO events SELECT unnest(enum_range(NULL::kind)), n FROM generate_series(1, 20) n`);
    expect(told).toEqual([]);
  });

  test('a stale materialized view and an index that is not valid are told, a fresh view is proved', async () => {
    const { told } = await proveWith(`CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1);
      CREATE MATERIALIZED VIEW fresh AS SELECT id FROM t; CREATE MATERIALIZED VIEW stale AS SELECT id FROM t WHERE id > 1;
      INSERT INTO t VALUES (2); REFRESH MATERIALIZED VIEW fresh; CREATE INDEX ends ON t (id);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ends'::regclass`);
    expect(told).toEqual([
      'materialized view public.stale holds other rows when it is computed anew (1 for 0): it is stale, or its query does not always say the same',
      'index public.ends is not valid, so the backup does not hold it',
    ]);
  });
});

describe('what is granted or numbered where no dump looks', () => {
  test('privileges that default privileges gave the objects of an extension and of a range type come back', async () => {
    await installExtension(
      cluster,
      'granted_ring',
      `CREATE TABLE keys (id int PRIMARY KEY); SELECT pg_catalog.pg_extension_config_dump('keys', '')`,
    );
    const { database } = await cluster.createOwnedDatabase('granted');
    const reader = `${database}_reader`;
    await cluster.createRole(reader);
    await cluster.psql(
      database,
      `ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO ${reader}; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
       ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${reader};
       CREATE EXTENSION citext; CREATE TYPE span AS RANGE (subtype = time); CREATE TABLE t (c citext);
       CREATE SCHEMA ring; CREATE EXTENSION granted_ring SCHEMA ring`,
    );
    const server = await serverOf(cluster.url({ database }));
    await using backup = await takeBackup(server);
    expect((await prove(server, backup)).told).toEqual([]);
  });

  test('numbers of an extension’s table go on where they were', async () => {
    await installExtension(
      cluster,
      'key_ring',
      `CREATE TABLE keys (id serial PRIMARY KEY, name text); SELECT pg_catalog.pg_extension_config_dump('keys', '')`,
    );
    const { told, fingerprint } = await proveWith(`CREATE SCHEMA ring; CREATE EXTENSION key_ring SCHEMA ring;
      INSERT INTO ring.keys (name) VALUES ('a'), ('b'), ('c')`);
    expect(told).toEqual([]);
    expect(fingerprint.sequences).toMatchObject([{ name: 'keys_id_seq', lastValue: '3', isCalled: true }]);
  });

  test('a column that a parent was given later, and a hardened function of an extension, are told', async () => {
    const { told } =
      await proveWith(`CREATE EXTENSION citext; ALTER FUNCTION citext_eq(citext, citext) SET search_path = '';
      CREATE TABLE a (x int); CREATE TABLE b (own int) INHERITS (a); ALTER TABLE a ADD later text;
      CREATE TABLE k (id int PRIMARY KEY); CREATE TABLE p (x int) PARTITION BY RANGE (x); CREATE TABLE p1 (x int);
      ALTER TABLE p1 ADD CONSTRAINT own_name FOREIGN KEY (x) REFERENCES k; ALTER TABLE p ADD CONSTRAINT fk FOREIGN KEY (x) REFERENCES k;
      ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (1) TO (9)`);
    expect(told).toEqual([
      'column public.b.later: position is 2 instead of 3',
      'column public.b.own: position is 3 instead of 2',
      'constraint inherited by public.p1 (x) from public.k: inheritedAs is fk instead of own_name',
      'function public.citext_eq(public.citext,public.citext): proconfig differs',
    ]);
  });

  test('a database that speaks another encoding to its clients is dumped in its own', async () => {
    const { database } = await cluster.createOwnedDatabase('spoken');
    await cluster.psql(database, `CREATE TABLE "漢" (v text); INSERT INTO "漢" VALUES ('字')`);
    await cluster.psql('postgres', `ALTER DATABASE ${database} SET client_encoding = 'LATIN1'`);
    const server = await serverOf(cluster.url({ database }));
    await using backup = await takeBackup(server);
    expect((await prove(server, backup)).fingerprint.tables).toMatchObject([{ table: '漢', rows: 1 }]);
  });
});

test('a subscription, which no copy has, is told', async () => {
  const { told } = await proveWith(
    `CREATE SUBSCRIPTION news CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, enabled = false, slot_name = NONE)`,
  );
  expect(told).toEqual([
    'subscription news is not in the backup: restored, it would take the slot of the original',
  ]);
});

test('what differs after a restore and nobody could notice refuses nothing', async () => {
  const { database } = await cluster.createOwnedDatabase('unnoticed');
  const reader = `${database}_reader`;
  await cluster.createRole(reader);
  await cluster.psql(
    database,
    `CREATE COLLATION copied FROM "C";
     CREATE TABLE a (id int PRIMARY KEY, at date); CREATE UNIQUE INDEX other ON a (id); CREATE TABLE b (x int REFERENCES a);
     CREATE POLICY p ON a FOR INSERT TO ${reader}, ${reader} WITH CHECK (true);
     CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
     CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9);
     CREATE TABLE refers (x int); ALTER TABLE refers ADD FOREIGN KEY (x) REFERENCES parts NOT VALID;
     CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE CONSTRAINT TRIGGER named AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f(); ALTER TRIGGER named ON a RENAME TO renamed;
     CREATE TABLE docs (doc jsonb); CREATE INDEX words ON docs USING gin (doc jsonb_path_ops); ALTER TABLE docs ALTER doc SET COMPRESSION pglz;
     CREATE TRIGGER refused BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE docs OWNER TO ${reader};
     ALTER FUNCTION f() OWNER TO ${reader}; REVOKE TRIGGER ON docs FROM ${reader};
     CREATE EXTENSION citext; COMMENT ON EXTENSION citext IS 'ours'`,
  );
  const server = await serverOf(cluster.url({ database }));
  await using backup = await takeBackup(server);
  expect((await prove(server, backup)).told).toEqual([]);
});

test('a copy that becomes the target prints its schema as the target did, whatever it quotes', async () => {
  const { database } = await cluster.createOwnedDatabase('quoting');
  await cluster.psql(
    database,
    `CREATE TABLE t (id int PRIMARY KEY, v text CHECK (v IN ('a', 'b'))); CREATE VIEW v AS SELECT id FROM t; CREATE DOMAIN d AS text CHECK (VALUE IN ('x', 'y'))`,
  );
  await cluster.psql('postgres', `ALTER DATABASE ${database} SET quote_all_identifiers = on`);
  const server = await serverOf(cluster.url({ database }));
  await using backup = await takeBackup(server);
  const { name, fingerprint } = await prove(server, backup);
  await cluster.psql('postgres', `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  const text = await readSchemaText(server, { database: name }, new AbortController().signal);
  expect(schemaDigest(text)).toBe(fingerprint.schemaDigest);
});
