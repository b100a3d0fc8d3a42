import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWitness } from '../../../src/database/postgres/fingerprint/witness.ts';
import type { PostgresServer, SqlSession } from '../../../src/database/postgres/server/server.ts';
import { splitStatements } from '../../../src/database/postgres/session/sql-split.ts';
import { startPostgres, type ThrowawayCluster } from '../../support/postgres.ts';
import { serverOf } from './proving.ts';

const schema = `
  CREATE TABLE parent (id serial PRIMARY KEY, name text NOT NULL DEFAULT 'x', amount int CHECK (amount > 0));
  CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY, parent_id int REFERENCES parent, mood text);
  CREATE TABLE parted (id int, day date) PARTITION BY RANGE (id);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
  CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, finished_at timestamptz, logs text);
  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
  CREATE VIEW names AS SELECT name FROM parent;
  CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM parent;
  CREATE SEQUENCE numbers;
  CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touched BEFORE UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION touch();
  CREATE RULE silent AS ON DELETE TO child DO ALSO NOTHING;
  CREATE INDEX by_name ON parent (name);
  CREATE PUBLICATION pub FOR TABLE parent;
  CREATE EXTENSION citext;
  INSERT INTO parent (amount) SELECT g FROM generate_series(1, 500) g;
  INSERT INTO child (parent_id, mood) SELECT id, 'good' FROM parent;
  SELECT lo_from_bytea(4711, 'abc');
  ANALYZE;
`;

let cluster: ThrowawayCluster;
let owner: { database: string; user: string; url: string };
let other: string;
let server: PostgresServer;
let session: SqlSession;
let client: Client;

beforeAll(async () => {
  // Of its own: autovacuum is part of what is tried, and elsewhere it comes by once a minute.
  cluster = await startPostgres({ settings: ['autovacuum_naptime = 1s'] });
  owner = await cluster.createOwnedDatabase('witness');
  other = `${owner.user}_other`;
  await cluster.createRole(other, { attributes: 'NOCREATEDB' });
  server = await serverOf(owner.url);
  session = await server.connect(owner.database);
  client = new Client({ connectionString: owner.url });
  await client.connect();
  await client.query(schema);
});

afterAll(async () => {
  await client?.end();
  await session?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

describe('the witness stays the same', () => {
  const unseen: Record<string, string> = {
    'when nothing happens': 'SELECT 1',
    'through inserts, updates and deletes': `
      INSERT INTO parent (amount) VALUES (1), (2); UPDATE parent SET name = 'y'; DELETE FROM child WHERE id < 50`,
    'when Prisma writes its history': `
      INSERT INTO _prisma_migrations VALUES ('a', NULL, 'failed'); UPDATE _prisma_migrations SET finished_at = now()`,
    'when sequences move': `SELECT nextval('numbers'); SELECT setval('numbers', 1000); SELECT setval('numbers', 3)`,
    'through ANALYZE': 'ANALYZE',
    'through VACUUM': 'VACUUM',
    'through VACUUM FREEZE, the catalogs included': 'VACUUM (FREEZE, ANALYZE)',
    'when a table is emptied by DELETE and vacuumed away': 'DELETE FROM child',
    'when a script is rolled back': `
      BEGIN; CREATE TABLE gone (id serial PRIMARY KEY); ALTER TABLE parent ADD COLUMN gone int; DROP VIEW names;
      TRUNCATE child; GRANT SELECT ON parent TO PUBLIC; CREATE INDEX ON child (mood);
      ALTER TYPE mood ADD VALUE 'ugly'; COMMENT ON TABLE parent IS 'gone'; ROLLBACK`,
    'when a script fails half-way': `
      DO $$ BEGIN CREATE TABLE gone (id int); ALTER TABLE parent DROP COLUMN amount; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END $$`,
    'while temporary objects of every kind come': `
      CREATE TEMP TABLE t (id serial PRIMARY KEY, name text DEFAULT 'x' CHECK (name <> ''), long text, UNIQUE (name));
      CREATE TEMP TABLE t_child () INHERITS (t);
      CREATE TEMP TABLE t_ref (t_id int REFERENCES t, id int GENERATED ALWAYS AS IDENTITY);
      CREATE TEMP TABLE t_parted (id int) PARTITION BY LIST (id);
      CREATE TEMP TABLE t_part PARTITION OF t_parted DEFAULT;
      CREATE TEMP VIEW t_view AS SELECT t.id FROM t JOIN parent USING (id);
      CREATE TEMP SEQUENCE t_seq;
      CREATE TYPE pg_temp.t_mood AS ENUM ('a', 'b');
      CREATE TYPE pg_temp.t_range AS RANGE (subtype = numeric);
      CREATE DOMAIN pg_temp.t_domain AS int CHECK (VALUE > 0);
      CREATE FUNCTION pg_temp.t_function() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER t_trigger BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
      CREATE RULE t_rule AS ON DELETE TO t DO ALSO NOTHING;
      CREATE POLICY t_policy ON t USING (true);
      CREATE STATISTICS pg_temp.t_statistics ON id, name FROM t;
      CREATE INDEX t_index ON t (long);
      COMMENT ON TABLE t IS 'c'; COMMENT ON COLUMN t.id IS 'c'; COMMENT ON CONSTRAINT t_pkey ON t IS 'c';
      COMMENT ON TRIGGER t_trigger ON t IS 'c'; COMMENT ON TYPE pg_temp.t_mood IS 'c';
      COMMENT ON FUNCTION pg_temp.t_function() IS 'c'; COMMENT ON INDEX t_index IS 'c';
      GRANT SELECT ON t TO PUBLIC; GRANT SELECT (id) ON t TO PUBLIC;
      INSERT INTO t (name) VALUES ('a'); ANALYZE t; TRUNCATE t CASCADE`,
    'when temporary objects go again': 'DISCARD ALL',
    'when large objects come and go': `SELECT lo_from_bytea(0, 'x'); SELECT lo_unlink(4711)`,
    'when the write fence is raised': `
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
    'when the write fence is lifted': `
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$`,
    'when prepared statements, cursors and listeners are used': `
      PREPARE p AS SELECT 1; EXECUTE p; LISTEN l; NOTIFY l; DECLARE c CURSOR WITH HOLD FOR SELECT 1; DISCARD ALL`,
  };

  test.for(Object.entries(unseen))('%s', async ([, script]) => {
    const before = await readWitness(session);
    await run(script);
    expect(await readWitness(session)).toBe(before);
  });

  test('within a transaction whose snapshot is older than the DDL', async () => {
    await using reader = await server.connect(owner.database);
    await reader.execute('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const before = await readWitness(reader);
    await run('CREATE TABLE later (id int); DROP VIEW names; CREATE VIEW names AS SELECT name FROM parent');
    expect(await readWitness(reader)).toBe(before);
    await reader.execute('COMMIT');
    expect(await readWitness(reader)).not.toBe(before);
  });

  test('through autovacuum', async () => {
    await run(
      'CREATE TABLE busy (id int) WITH (autovacuum_vacuum_threshold = 1, autovacuum_analyze_threshold = 1)',
    );
    const before = await readWitness(session);
    await run('INSERT INTO busy SELECT generate_series(1, 1000); DELETE FROM busy WHERE id % 2 = 0');
    await expect
      .poll(
        async () => {
          const { rows } = await client.query(
            `SELECT autovacuum_count > 0 AND autoanalyze_count > 0 AS done FROM pg_stat_user_tables WHERE relname = 'busy'`,
          );
          return rows[0]?.done;
        },
        { timeout: 60_000, interval: 500 },
      )
      .toBe(true);
    expect(await readWitness(session)).toBe(before);
  });
});

describe('the witness changes', () => {
  const seen: Record<string, string> = {
    'CREATE TABLE': 'CREATE TABLE fresh (id int)',
    'DROP TABLE': 'DROP TABLE fresh',
    'ADD COLUMN': 'ALTER TABLE parent ADD COLUMN note text',
    'DROP and re-ADD of the same column': `
      ALTER TABLE parent DROP COLUMN note; ALTER TABLE parent ADD COLUMN note text`,
    'RENAME COLUMN': 'ALTER TABLE parent RENAME COLUMN note TO remark',
    'RENAME TABLE there and back':
      'ALTER TABLE parent RENAME TO parent2; ALTER TABLE parent2 RENAME TO parent',
    'ALTER COLUMN TYPE': 'ALTER TABLE parent ALTER COLUMN remark TYPE varchar(20)',
    'SET NOT NULL': `ALTER TABLE child ALTER COLUMN mood SET NOT NULL`,
    'SET DEFAULT': `ALTER TABLE child ALTER COLUMN mood SET DEFAULT 'bad'`,
    'SET STATISTICS': 'ALTER TABLE child ALTER COLUMN mood SET STATISTICS 500',
    'SET (fillfactor)': 'ALTER TABLE child SET (fillfactor = 90)',
    'ADD CONSTRAINT': 'ALTER TABLE child ADD CONSTRAINT sane CHECK (id > 0) NOT VALID',
    'VALIDATE CONSTRAINT': 'ALTER TABLE child VALIDATE CONSTRAINT sane',
    'DROP CONSTRAINT': 'ALTER TABLE child DROP CONSTRAINT sane',
    'a foreign key': 'ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES parent (id) NOT VALID',
    'CREATE INDEX': 'CREATE INDEX by_mood ON child (mood)',
    'CREATE INDEX CONCURRENTLY that fails and leaves an invalid index':
      'CREATE UNIQUE INDEX CONCURRENTLY broken ON child (mood)',
    'DROP INDEX': 'DROP INDEX broken',
    TRUNCATE: 'TRUNCATE child',
    'TRUNCATE … RESTART IDENTITY': 'TRUNCATE child RESTART IDENTITY',
    'CREATE TYPE': `CREATE TYPE colour AS ENUM ('red')`,
    'ALTER TYPE … ADD VALUE': `ALTER TYPE mood ADD VALUE 'fine'`,
    'ALTER TYPE … RENAME VALUE': `ALTER TYPE mood RENAME VALUE 'fine' TO 'great'`,
    'a range type': 'CREATE TYPE span AS RANGE (subtype = numeric)',
    'ALTER DOMAIN': 'ALTER DOMAIN percent DROP CONSTRAINT percent_check',
    'CREATE OR REPLACE VIEW': 'CREATE OR REPLACE VIEW names AS SELECT name FROM parent WHERE true',
    'CREATE MATERIALIZED VIEW':
      'CREATE MATERIALIZED VIEW sums AS SELECT sum(amount) FROM parent WITH NO DATA',
    'CREATE OR REPLACE FUNCTION': `CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'`,
    'ALTER FUNCTION … SET': `ALTER FUNCTION one() SET search_path = ''`,
    'CREATE TRIGGER': 'CREATE TRIGGER again BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION touch()',
    'DISABLE TRIGGER': 'ALTER TABLE parent DISABLE TRIGGER again',
    'DROP TRIGGER': 'DROP TRIGGER again ON parent',
    'CREATE RULE': 'CREATE RULE loud AS ON INSERT TO child DO ALSO NOTHING',
    'CREATE POLICY': 'CREATE POLICY mine ON child USING (true)',
    'ENABLE ROW LEVEL SECURITY': 'ALTER TABLE child ENABLE ROW LEVEL SECURITY',
    'CREATE SEQUENCE': 'CREATE SEQUENCE more',
    'ALTER SEQUENCE … INCREMENT': 'ALTER SEQUENCE numbers INCREMENT 5',
    'ALTER SEQUENCE … RESTART': 'ALTER SEQUENCE numbers RESTART WITH 7',
    'ALTER SEQUENCE … OWNED BY': 'ALTER SEQUENCE more OWNED BY parent.id',
    'ATTACH PARTITION': `
      CREATE TABLE parted_2 (id int, day date); ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (100) TO (200)`,
    'DETACH PARTITION': 'ALTER TABLE parted DETACH PARTITION parted_2',
    INHERIT: 'ALTER TABLE parted_2 INHERIT only_for_inherit',
    'CREATE STATISTICS': 'CREATE STATISTICS stats ON id, amount FROM parent',
    'ALTER STATISTICS': 'ALTER STATISTICS stats SET STATISTICS 50',
    'CREATE SCHEMA': 'CREATE SCHEMA extra',
    'DROP SCHEMA': 'DROP SCHEMA extra',
    'GRANT on a table': 'GRANT SELECT ON parent TO PUBLIC',
    'GRANT on a column': 'GRANT UPDATE (name) ON parent TO PUBLIC',
    'GRANT on a schema': 'GRANT USAGE ON SCHEMA other_schema TO PUBLIC',
    'GRANT on a function': 'REVOKE EXECUTE ON FUNCTION one() FROM PUBLIC',
    'GRANT on a type': 'REVOKE USAGE ON TYPE mood FROM PUBLIC',
    'GRANT on a large object': `SELECT lo_from_bytea(4712, 'y'); GRANT SELECT ON LARGE OBJECT 4712 TO PUBLIC`,
    'REVOKE on a large object': 'REVOKE SELECT ON LARGE OBJECT 4712 FROM PUBLIC',
    'ALTER DEFAULT PRIVILEGES': 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
    'COMMENT ON TABLE': `COMMENT ON TABLE parent IS 'people'`,
    'COMMENT ON COLUMN': `COMMENT ON COLUMN parent.name IS 'their names'`,
    'ALTER PUBLICATION': 'ALTER PUBLICATION pub SET TABLE child',
    'CREATE EXTENSION': 'CREATE EXTENSION pg_trgm',
    'ALTER EXTENSION … ADD': 'ALTER EXTENSION pg_trgm ADD FUNCTION one()',
    'DROP EXTENSION': 'DROP EXTENSION citext',
    'DEPENDS ON EXTENSION': 'ALTER INDEX by_mood DEPENDS ON EXTENSION pgcrypto',
    'CREATE COLLATION': `CREATE COLLATION plain FROM "C"`,
    'CREATE OPERATOR': 'CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)',
    'CREATE AGGREGATE': 'CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int)',
    'CREATE CAST': 'CREATE CAST (mood AS percent) WITH INOUT',
    'CREATE CONVERSION': `CREATE CONVERSION conv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1`,
    'CREATE TEXT SEARCH CONFIGURATION': 'CREATE TEXT SEARCH CONFIGURATION words (COPY = simple)',
    'CREATE TEXT SEARCH DICTIONARY': 'CREATE TEXT SEARCH DICTIONARY book (TEMPLATE = simple)',
    'CREATE SERVER': 'CREATE SERVER far FOREIGN DATA WRAPPER fdw',
    'CREATE USER MAPPING': `CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'a')`,
    'ALTER USER MAPPING': `ALTER USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (SET user 'b')`,
    'CREATE FOREIGN TABLE': 'CREATE FOREIGN TABLE away (id int) SERVER far',
    'ALTER DATABASE … SET': `
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''UTC''', current_database()); END $$`,
    'ALTER ROLE … IN DATABASE … SET': `
      DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET work_mem = ''8MB''', current_user, current_database()); END $$`,
    'ALTER DATABASE … CONNECTION LIMIT': `
      DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 77', current_database()); END $$`,
    'GRANT on the database': `
      DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$`,
    'COMMENT ON DATABASE': `
      DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''mine''', current_database()); END $$`,
    // Not definitions, but the catalogs show them exactly as they show TRUNCATE.
    'VACUUM FULL (seen as if it were TRUNCATE)': 'VACUUM FULL parent',
    'REINDEX (seen as if it were TRUNCATE)': 'REINDEX TABLE parent',
  };

  beforeAll(async () => {
    await run(
      'CREATE SCHEMA other_schema; CREATE TABLE only_for_inherit (id int, day date); CREATE EXTENSION pgcrypto',
    );
    await run(`INSERT INTO child (parent_id, mood) SELECT id, 'bad' FROM parent`);
    // Each is something that only a superuser may make.
    await cluster.psql(
      owner.database,
      `CREATE FOREIGN DATA WRAPPER fdw; GRANT USAGE ON FOREIGN DATA WRAPPER fdw TO "${owner.user}"`,
    );
  });

  test.for(Object.entries(seen))('by %s', async ([, script]) => {
    const before = await readWitness(session);
    await run(script);
    expect(await readWitness(session)).not.toBe(before);
  });

  test.for([
    [
      'CREATE EVENT TRIGGER',
      `CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
       CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE LANGUAGE') EXECUTE FUNCTION ev()`,
    ],
    ['CREATE OPERATOR FAMILY', 'CREATE OPERATOR FAMILY kin USING btree'],
    ['CREATE LANGUAGE', 'CREATE LANGUAGE mine HANDLER plpgsql_call_handler'],
    [
      'CREATE SUBSCRIPTION',
      `CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false)`,
    ],
    ['DROP SUBSCRIPTION', 'ALTER SUBSCRIPTION sub SET (slot_name = NONE); DROP SUBSCRIPTION sub'],
    ['ALTER TABLE … OWNER', `ALTER TABLE child OWNER TO "postgres"`],
  ])('by a superuser with %s', async ([, script]) => {
    const before = await readWitness(session);
    await cluster.psql(owner.database, script ?? '');
    expect(await readWitness(session)).not.toBe(before);
  });
});

test('the witness is the same for whoever reads it, as far as they may read', async () => {
  const witness = await readWitness(session);
  await using again = await server.connect(owner.database);
  expect(await readWitness(again)).toBe(witness);
  expect(witness).toMatch(/^catalog [0-9a-f]{64}$/);
});

/** Statement by statement, each in a transaction of its own unless the script says otherwise. */
async function run(script: string): Promise<void> {
  for (const statement of splitStatements(script)) {
    await client.query(statement).catch((error: unknown) => {
      // The one that is meant to fail and to leave something behind.
      if (!statement.includes('CONCURRENTLY broken')) throw error;
    });
  }
}
