import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWitness } from '../../../src/database/postgres/fingerprint/witness.ts';
import type { SqlSession } from '../../../src/database/postgres/server/server.ts';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import { describeScript, visibleDefinitions } from '../../../src/lint/statements.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

const ground = (other: string) =>
  `
  CREATE SCHEMA side; CREATE SCHEMA goes;
  CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b text NOT NULL, c int GENERATED ALWAYS AS IDENTITY, d text COLLATE "C", e int);
  CREATE TABLE g (x int, y int GENERATED ALWAYS AS (x + 1) STORED);
  CREATE TABLE child (id int, a int, CONSTRAINT fk FOREIGN KEY (id) REFERENCES t DEFERRABLE);
  ALTER TABLE child ADD CONSTRAINT positive CHECK (a > 0) NOT VALID; CREATE TABLE parent (id int, a int);
  CREATE TABLE heir () INHERITS (parent); CREATE TABLE alone (id int, a int);
  CREATE TABLE parted (id int) PARTITION BY RANGE (id);
  CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10); CREATE TABLE loose (id int);
  CREATE TYPE pair AS (x int, y int); CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TYPE span AS RANGE (subtype = float8);
  CREATE TABLE typed OF pair; CREATE TABLE untyped (x int, y int);
  CREATE DOMAIN percent AS int CONSTRAINT small CHECK (VALUE < 100); CREATE DOMAIN loosely AS int;
  ALTER DOMAIN loosely ADD CONSTRAINT later CHECK (VALUE > 0) NOT VALID;
  CREATE VIEW v AS SELECT id, a FROM t; CREATE MATERIALIZED VIEW mv AS SELECT id FROM t;
  CREATE SEQUENCE s; CREATE INDEX ix ON t (a); CREATE UNIQUE INDEX ux ON t (e);
  CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int); CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf();
  CREATE RULE ru AS ON DELETE TO child DO ALSO NOTHING; CREATE POLICY po ON t USING (true);
  CREATE OPERATOR ### (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int); CREATE OPERATOR FAMILY fam USING btree;
  CREATE OPERATOR CLASS cls FOR TYPE int USING btree FAMILY fam AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int);
  CREATE COLLATION col (LOCALE = 'C'); CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
  CREATE CAST (mood AS int) WITH FUNCTION f2(mood); `.replace(
    'CREATE CAST',
    `CREATE FUNCTION f2(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE CAST`,
  ) +
  `
  CREATE TEXT SEARCH CONFIGURATION cfg (COPY = simple); CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);
  CREATE TEXT SEARCH PARSER prs (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
  CREATE TEXT SEARCH TEMPLATE tpl (LEXIZE = dsimple_lexize);
  CREATE TABLE doomed_p (id int); CREATE STATISTICS st ON a, b FROM t; CREATE PUBLICATION pub FOR TABLE doomed_p;
  CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER srv FOREIGN DATA WRAPPER fdw; CREATE FOREIGN TABLE ft (id int) SERVER srv;
  CREATE EVENT TRIGGER ev ON ddl_command_end WHEN TAG IN ('CREATE LANGUAGE') EXECUTE FUNCTION ef();
  CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler; CREATE LANGUAGE lang HANDLER plpgsql_call_handler;
  CREATE SUBSCRIPTION sub CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false);
  CREATE TABLE doomed (id int); CREATE VIEW doomed_v AS SELECT 1; CREATE SEQUENCE doomed_s;
  SELECT lo_from_bytea(4711, 'a'), lo_from_bytea(4712, 'b');
  GRANT USAGE, CREATE ON SCHEMA public, side TO "${other}";
`;

/** Every kind of statement that the parser calls visible, in every variant; in this order, each makes a change. */
const statements = (other: string): readonly string[] => [
  // ALTER TABLE, by subcommand.
  ...[
    'ADD COLUMN n int',
    'ALTER n SET DEFAULT 2',
    'ALTER n SET NOT NULL',
    'ALTER n DROP NOT NULL',
    'ALTER n SET STATISTICS 50',
    'ALTER n SET (n_distinct = 5)',
    'ALTER n RESET (n_distinct)',
    'ALTER b SET STORAGE EXTERNAL',
    'ALTER b SET COMPRESSION pglz',
    'ALTER n TYPE bigint',
    'ALTER d TYPE text COLLATE "POSIX"',
    'DROP COLUMN n',
    'ADD CONSTRAINT ch CHECK (a < 9)',
    'DROP CONSTRAINT ch',
    'ADD CONSTRAINT uq UNIQUE USING INDEX ux',
    'ADD UNIQUE (d)',
    'CLUSTER ON ix',
    'SET WITHOUT CLUSTER',

    'SET (fillfactor = 80)',
    'RESET (fillfactor)',
    'SET ACCESS METHOD am',
    'DISABLE TRIGGER tr',
    'ENABLE TRIGGER tr',
    'ENABLE ALWAYS TRIGGER tr',
    'ENABLE REPLICA TRIGGER tr',
    'DISABLE TRIGGER ALL',
    'ENABLE TRIGGER ALL',
    'DISABLE TRIGGER USER',
    'ENABLE TRIGGER USER',
    'REPLICA IDENTITY FULL',
    'ENABLE ROW LEVEL SECURITY',
    'FORCE ROW LEVEL SECURITY',
    'NO FORCE ROW LEVEL SECURITY',
    'DISABLE ROW LEVEL SECURITY',
    'ALTER c SET GENERATED BY DEFAULT',
    'ALTER c SET INCREMENT 2',
    'ALTER c RESTART WITH 7',
    'ALTER c DROP IDENTITY',
    'ALTER id ADD GENERATED ALWAYS AS IDENTITY',
    `OWNER TO "${other}"`,
  ].map((action) => `ALTER TABLE t ${action}`),
  'ALTER TABLE g ALTER y DROP EXPRESSION',
  'ALTER TABLE g SET UNLOGGED',
  'ALTER TABLE g SET LOGGED',
  'ALTER TABLE child VALIDATE CONSTRAINT positive',
  'ALTER TABLE child ALTER CONSTRAINT fk DEFERRABLE INITIALLY DEFERRED',
  'ALTER TABLE child DISABLE RULE ru',
  'ALTER TABLE child ENABLE ALWAYS RULE ru',
  'ALTER TABLE child ENABLE REPLICA RULE ru',
  'ALTER TABLE child ENABLE RULE ru',
  'ALTER TABLE alone INHERIT parent',
  'ALTER TABLE alone NO INHERIT parent',
  'ALTER TABLE untyped OF pair',
  'ALTER TABLE untyped NOT OF',
  'ALTER TABLE parted ATTACH PARTITION loose FOR VALUES FROM (10) TO (20)',
  'ALTER TABLE parted DETACH PARTITION loose',
  'ALTER VIEW v SET (security_barrier = true)',
  'ALTER VIEW v ALTER a SET DEFAULT 3',
  'ALTER MATERIALIZED VIEW mv SET (fillfactor = 70)',
  'ALTER INDEX ix SET (fillfactor = 70)',
  'ALTER INDEX ix RESET (fillfactor)',
  'ALTER SEQUENCE s SET UNLOGGED',
  'ALTER FOREIGN TABLE ft ADD COLUMN y int',
  `ALTER FOREIGN TABLE ft ALTER y OPTIONS (ADD k 'v')`,
  `ALTER FOREIGN TABLE ft OPTIONS (ADD k 'v')`,
  'ALTER TYPE pair ADD ATTRIBUTE z int CASCADE',
  'ALTER TYPE pair ALTER ATTRIBUTE z TYPE bigint CASCADE',
  'ALTER TYPE pair DROP ATTRIBUTE z CASCADE',
  // Sequences, types, domains, functions.
  'ALTER SEQUENCE s INCREMENT 5',
  'ALTER SEQUENCE s OWNED BY parent.id',
  'ALTER SEQUENCE s AS smallint',
  'ALTER SEQUENCE s CYCLE',
  `ALTER TYPE mood ADD VALUE 'ugly'`,
  `ALTER TYPE mood RENAME VALUE 'bad' TO 'worse'`,
  'ALTER DOMAIN percent SET DEFAULT 5',
  'ALTER DOMAIN percent DROP DEFAULT',
  'ALTER DOMAIN percent SET NOT NULL',
  'ALTER DOMAIN percent DROP NOT NULL',
  'ALTER DOMAIN percent ADD CONSTRAINT more CHECK (VALUE > 1)',
  'ALTER DOMAIN percent DROP CONSTRAINT more',
  'ALTER DOMAIN loosely VALIDATE CONSTRAINT later',
  'ALTER FUNCTION f(int) STABLE',
  'ALTER FUNCTION f(int) SECURITY DEFINER',
  `ALTER FUNCTION f(int) SET work_mem = '1MB'`,
  'ALTER FUNCTION f(int) COST 7',
  'ALTER PROCEDURE p() SECURITY DEFINER',
  'ALTER STATISTICS st SET STATISTICS 9',
  'ALTER POLICY po ON t USING (false)',
  'ALTER POLICY po ON t TO CURRENT_USER',
  'ALTER TYPE base SET (STORAGE = main)',
  // Definitions.
  "CREATE TABLE n1 (id serial PRIMARY KEY, x text CHECK (x <> ''))",
  'CREATE TABLE n2 (LIKE t INCLUDING ALL)',
  'CREATE UNLOGGED TABLE n3 (id int)',
  'CREATE TABLE n4 PARTITION OF parted DEFAULT',
  'CREATE INDEX n_ix ON t (b)',
  'CREATE INDEX CONCURRENTLY n_ixc ON t (d)',
  'CREATE SEQUENCE n_s',
  'CREATE VIEW n_v AS SELECT 1 AS one',
  'CREATE OR REPLACE VIEW n_v AS SELECT 1 AS one, 2 AS two',
  `CREATE FUNCTION n_f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
  `CREATE OR REPLACE FUNCTION n_f() RETURNS int LANGUAGE sql AS 'SELECT 2'`,
  `CREATE PROCEDURE n_p() LANGUAGE sql AS 'SELECT 1'`,
  'CREATE TRIGGER n_tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf()',
  'CREATE OR REPLACE TRIGGER n_tr AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf()',
  'CREATE CONSTRAINT TRIGGER n_ct AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION tf()',
  'CREATE RULE n_ru AS ON UPDATE TO child DO ALSO NOTHING',
  'CREATE POLICY n_po ON child USING (id > 0)',
  `CREATE TYPE n_e AS ENUM ('a')`,
  'CREATE TYPE n_c AS (x int)',
  'CREATE TYPE n_r AS RANGE (subtype = int8)',
  'CREATE TYPE n_shell',
  'CREATE DOMAIN n_d AS text',
  'CREATE SCHEMA n_sch',
  'CREATE CAST (n_c AS text) WITH INOUT',
  'CREATE STATISTICS n_st ON a, e FROM t',
  'CREATE PUBLICATION n_pub FOR TABLE child',
  'CREATE PUBLICATION n_pub_all FOR ALL TABLES',
  'CREATE EXTENSION citext',
  'CREATE AGGREGATE n_agg (int) (SFUNC = int4pl, STYPE = int)',
  'CREATE OPERATOR #### (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)',
  `CREATE COLLATION n_col (LOCALE = 'POSIX')`,
  'CREATE TEXT SEARCH CONFIGURATION n_cfg (COPY = simple)',
  'CREATE TEXT SEARCH DICTIONARY n_dict (TEMPLATE = simple)',
  'CREATE TEXT SEARCH PARSER n_prs (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)',
  'CREATE TEXT SEARCH TEMPLATE n_tpl (LEXIZE = dsimple_lexize)',
  // Privileges.
  'GRANT SELECT ON t TO PUBLIC',
  'REVOKE SELECT ON t FROM PUBLIC',
  'GRANT SELECT (a) ON child TO PUBLIC',
  'GRANT USAGE ON SEQUENCE s TO PUBLIC',
  'GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC',
  'REVOKE ALL ON FUNCTION f(int) FROM PUBLIC',
  'GRANT CREATE ON SCHEMA side TO PUBLIC',
  'REVOKE USAGE ON TYPE mood FROM PUBLIC',
  'REVOKE USAGE ON DOMAIN percent FROM PUBLIC',
  'GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC WITH GRANT OPTION'.replace(' WITH GRANT OPTION', ''),
  'REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC',
  'GRANT USAGE ON FOREIGN SERVER srv TO PUBLIC',
  'GRANT USAGE ON FOREIGN DATA WRAPPER fdw TO PUBLIC',
  'GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC',
  'REVOKE SELECT ON LARGE OBJECT 4711 FROM PUBLIC',
  'GRANT CREATE ON DATABASE THIS TO PUBLIC',
  'REVOKE TEMP ON DATABASE THIS FROM PUBLIC',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
  'ALTER DEFAULT PRIVILEGES IN SCHEMA side GRANT EXECUTE ON FUNCTIONS TO PUBLIC',
  'ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM PUBLIC',
  // Owners.
  ...[
    'TABLE parent',
    'VIEW v',
    'MATERIALIZED VIEW mv',
    'SEQUENCE n_s',
    'FUNCTION f(int)',
    'PROCEDURE p()',
    'AGGREGATE agg(int)',
    'TYPE mood',
    'DOMAIN percent',
    'SCHEMA side',
    'OPERATOR ### (int, int)',
    'OPERATOR CLASS cls USING btree',
    'OPERATOR FAMILY fam USING btree',
    'COLLATION col',
    'CONVERSION conv',
    'TEXT SEARCH CONFIGURATION cfg',
    'TEXT SEARCH DICTIONARY dict',
    'STATISTICS st',
    'PUBLICATION pub',
    'SERVER srv',
    'LANGUAGE lang',
    'FOREIGN TABLE ft',
    'LARGE OBJECT 4711',
    'LARGE OBJECT 4712',
  ].map((object) => `ALTER ${object} OWNER TO "${other}"`),
  // Names.
  ...[
    ['TABLE alone', 'alone2'],
    ['VIEW n_v', 'n_v2'],
    ['INDEX ix', 'ix2'],
    ['SEQUENCE n_s', 'n_s2'],
    ['FUNCTION n_f()', 'n_f2'],
    ['AGGREGATE n_agg(int)', 'n_agg2'],
    ['TYPE n_e', 'n_e2'],
    ['DOMAIN n_d', 'n_d2'],
    ['SCHEMA n_sch', 'n_sch2'],
    ['COLLATION n_col', 'n_col2'],
    ['CONVERSION conv', 'conv2'],
    ['TEXT SEARCH CONFIGURATION n_cfg', 'n_cfg2'],
    ['TEXT SEARCH DICTIONARY n_dict', 'n_dict2'],
    ['TEXT SEARCH PARSER n_prs', 'n_prs2'],
    ['TEXT SEARCH TEMPLATE n_tpl', 'n_tpl2'],
    ['STATISTICS n_st', 'n_st2'],
    ['PUBLICATION n_pub', 'n_pub2'],
    ['SERVER srv', 'srv2'],
    ['FOREIGN DATA WRAPPER fdw', 'fdw2'],
    ['LANGUAGE lang', 'lang2'],
    ['EVENT TRIGGER ev', 'ev2'],
    ['TRIGGER n_tr ON t', 'n_tr2'],
    ['RULE n_ru ON child', 'n_ru2'],
    ['POLICY n_po ON child', 'n_po2'],
    ['OPERATOR CLASS cls USING btree', 'cls2'],
    ['OPERATOR FAMILY fam USING btree', 'fam2'],
    ['MATERIALIZED VIEW mv', 'mv2'],
    ['SUBSCRIPTION sub', 'sub2'],
  ].map(([object, name]) => `ALTER ${object} RENAME TO ${name}`),
  'ALTER TABLE parent RENAME COLUMN a TO a2',
  'ALTER TABLE child RENAME CONSTRAINT positive TO positive2',
  'ALTER TYPE n_c RENAME ATTRIBUTE x TO x2',
  'ALTER DOMAIN percent RENAME CONSTRAINT small TO small2',
  // Schemas.
  ...[
    'TABLE alone2',
    'VIEW n_v2',
    'SEQUENCE n_s2',
    'FUNCTION n_f2()',
    'TYPE n_e2',
    'DOMAIN n_d2',
    'COLLATION n_col2',
    'TEXT SEARCH CONFIGURATION n_cfg2',
    'TEXT SEARCH DICTIONARY n_dict2',
    'OPERATOR #### (int, int)',
    'EXTENSION citext',
    'STATISTICS n_st2',
    'AGGREGATE n_agg2(int)',
    'CONVERSION conv2',
    'OPERATOR FAMILY fam2 USING btree',
  ].map((object) => `ALTER ${object} SET SCHEMA side`),
  // Comments.
  ...[
    'TABLE t',
    'COLUMN t.a',
    'VIEW v',
    'INDEX ix2',
    'SEQUENCE s',
    'FUNCTION f(int)',
    'PROCEDURE p()',
    'AGGREGATE agg(int)',
    'TYPE mood',
    'DOMAIN percent',
    'SCHEMA side',
    'TRIGGER tr ON t',
    'RULE ru ON child',
    'POLICY po ON t',
    'CONSTRAINT fk ON child',
    'CONSTRAINT small2 ON DOMAIN percent',
    'OPERATOR ### (int, int)',
    'OPERATOR CLASS cls2 USING btree',
    'COLLATION col',
    'TEXT SEARCH CONFIGURATION cfg',
    'TEXT SEARCH PARSER prs',
    'TEXT SEARCH TEMPLATE tpl',
    'STATISTICS st',
    'PUBLICATION pub',
    'SERVER srv2',
    'FOREIGN DATA WRAPPER fdw2',
    'FOREIGN TABLE ft',
    'LANGUAGE lang2',
    'EVENT TRIGGER ev2',
    'EXTENSION citext',
    'ACCESS METHOD am',
    'CAST (mood AS int)',
    'LARGE OBJECT 4711',
    'MATERIALIZED VIEW mv2',
    'DATABASE THIS',
    'SUBSCRIPTION sub2',
  ].map((object) => `COMMENT ON ${object} IS 'remark'`),
  `COMMENT ON TABLE t IS NULL`,
  // And away with them.
  ...[
    'TABLE doomed',
    'VIEW doomed_v',
    'SEQUENCE doomed_s',
    'INDEX n_ix',
    'INDEX CONCURRENTLY n_ixc',
    'MATERIALIZED VIEW mv2',
    'TRIGGER n_tr2 ON t',
    'RULE n_ru2 ON child',
    'POLICY n_po2 ON child',
    'FUNCTION side.n_f2()',
    'PROCEDURE n_p()',
    'AGGREGATE agg(int)',
    'CAST (mood AS int)',
    'TYPE span',
    'TYPE n_shell',
    'DOMAIN loosely',
    'SCHEMA goes',
    'OPERATOR ### (int, int)',
    'OPERATOR CLASS cls2 USING btree',
    'OPERATOR FAMILY side.fam2 USING btree',
    'COLLATION col',
    'CONVERSION side.conv2',
    'TEXT SEARCH CONFIGURATION cfg',
    'TEXT SEARCH DICTIONARY dict',
    'TEXT SEARCH PARSER prs',
    'TEXT SEARCH TEMPLATE tpl',
    'STATISTICS st',
    'PUBLICATION pub',
    'FOREIGN TABLE ft',
    'SERVER srv2',
    'FOREIGN DATA WRAPPER fdw2',
    'LANGUAGE lang2',
    'EVENT TRIGGER ev2',
    'EXTENSION citext',
    'TABLE parted',
    'VIEW v',
  ].map((object) => `DROP ${object}`),
];

/** Belong to the whole server: no database is changed, and none can bring them back. */
const serverWide = (other: string): readonly string[] => [
  `COMMENT ON ROLE "${other}" IS 'remark'`,
  `COMMENT ON TABLESPACE pg_default IS 'remark'`,
  'GRANT CREATE ON TABLESPACE pg_default TO PUBLIC',
  `GRANT SET ON PARAMETER log_statement TO "${other}"`,
  `ALTER TABLESPACE pg_default OWNER TO CURRENT_USER`,
];

describe.each([15, 16, 17, 18])('on PostgreSQL %i', (major) => {
  let session: Pick<SqlSession, 'query'>;
  let client: pg.Client;
  let database: string;
  let other: string;

  beforeAll(async () => {
    await loadParser();
    const cluster = await sharedPostgres(major);
    const owned = await cluster.createOwnedDatabase('sees');
    ({ database } = owned);
    other = `${owned.user}_other`;
    await cluster.createRole(other, { attributes: 'NOCREATEDB' });
    const url = cluster.url({ database });
    client = new pg.Client({ connectionString: url });
    await client.connect();
    // The machine's tools are older than some of these servers: the witness is asked for over the driver.
    session = {
      query: async (sql, row) => {
        const { rows } = await client.query(sql);
        return rows.map((each) => row.parse(each));
      },
    };
    await client.query(ground(other));
    await client.query(`CREATE TYPE base; CREATE FUNCTION base_in(cstring) RETURNS base LANGUAGE internal IMMUTABLE STRICT AS 'textin';
      CREATE FUNCTION base_out(base) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
      CREATE TYPE base (INPUT = base_in, OUTPUT = base_out, INTERNALLENGTH = VARIABLE, STORAGE = extended)`);
  });

  afterAll(async () => {
    await client?.end();
  });

  test('the witness sees every statement that the parser says it would see', async () => {
    const kinds = new Set<string>();
    const unseen: string[] = [];
    const refused: string[] = [];
    const newer = major >= 17 ? ['ALTER TABLE g2 ALTER y SET EXPRESSION AS (x + 2)'] : [];
    await client.query('CREATE TABLE g2 (x int, y int GENERATED ALWAYS AS (x + 1) STORED)');
    let witness = await readWitness(session);
    for (const written of [...newer, ...statements(other)]) {
      const statement = written.replace('THIS', `"${database}"`);
      const script = describeScript(statement);
      const [described] = script.parsed ? script.statements : [];
      if (described === undefined) throw new Error(`cannot be parsed: ${statement}`);
      const problem = await client.query(statement).then(
        () => null,
        (error: unknown) => String(error),
      );
      if (problem !== null) {
        refused.push(`${statement}: ${problem}`);
        continue;
      }
      const before = witness;
      witness = await readWitness(session);
      if (described.mayChangeData) continue;
      kinds.add(described.kind);
      if (witness === before) unseen.push(statement);
    }
    expect(refused).toEqual([]);
    expect(unseen).toEqual([]);
    expect([...visibleDefinitions.difference(kinds)]).toEqual([]);
  });

  test('what belongs to the whole server it does not see, and need not: no database holds it', async () => {
    const before = await readWitness(session);
    for (const statement of serverWide(other)) await client.query(statement);
    expect(await readWitness(session)).toBe(before);
  });

  test('large objects of the usual owner come and go unseen, whatever the default privileges', async () => {
    if (major >= 18) await client.query('ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO PUBLIC');
    await client.query(`SELECT lo_from_bytea(g, 'x') FROM generate_series(5001, 5010) g`);
    const before = await readWitness(session);
    await client.query(`SELECT lo_from_bytea(5011, 'y'), lo_unlink(5001)`);
    expect(await readWitness(session)).toBe(before);
    await client.query(`ALTER LARGE OBJECT 5002 OWNER TO "${other}"`);
    const given = await readWitness(session);
    expect(given).not.toBe(before);
    await client.query(
      'REVOKE SELECT ON LARGE OBJECT 5003 FROM PUBLIC; GRANT UPDATE ON LARGE OBJECT 5003 TO PUBLIC',
    );
    expect(await readWitness(session)).not.toBe(given);
  });
});
