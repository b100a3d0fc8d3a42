import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser, parseSql, splitStatements } from '../../../src/lint/parse-sql.ts';
import { describeScript } from '../../../src/lint/statements.ts';

beforeAll(loadParser);

function only(sql: string) {
  const description = describeScript(sql);
  if (!description.parsed) throw new Error(`not parsed: ${sql}`);
  const [statement, ...more] = description.statements;
  if (statement === undefined || more.length > 0) throw new Error(`not one statement: ${sql}`);
  return statement;
}

describe('a statement changes no data that the catalogs would not show', () => {
  test.each([
    'CREATE TABLE t (id serial PRIMARY KEY, at timestamptz DEFAULT now(), code text DEFAULT app.next_code())',
    'CREATE TABLE IF NOT EXISTS t (id int)',
    'ALTER TABLE t ADD COLUMN c int NOT NULL',
    "ALTER TABLE t ALTER COLUMN id SET DEFAULT nextval('t_id_seq')",
    'ALTER TABLE t ALTER COLUMN id SET DEFAULT app.next_code()',
    'ALTER TABLE t ALTER COLUMN c TYPE int USING c::int',
    'ALTER TABLE t ADD CONSTRAINT c CHECK (length(name) > 0)',
    'ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE',
    'CREATE UNIQUE INDEX i ON t (lower(email))',
    "CREATE TYPE e AS ENUM ('a', 'b')",
    "ALTER TYPE e ADD VALUE 'c'",
    'DROP TABLE t',
    'DROP INDEX i',
    'ALTER TABLE t RENAME COLUMN a TO b',
    'CREATE VIEW v AS SELECT app.secret(id) FROM t',
    'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; RETURN 1; END $$',
    'CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()',
    'CREATE EXTENSION IF NOT EXISTS citext',
    'CREATE SCHEMA s CREATE TABLE t (id int)',
    "COMMENT ON TABLE t IS 'x'",
    'GRANT SELECT ON t TO PUBLIC',
    'SET lock_timeout = 5000',
    'RESET ALL',
    'SHOW search_path',
    'ALTER SEQUENCE s OWNED BY t.id',
  ])('%s', (sql) => {
    expect(only(sql)).toMatchObject({ mayChangeData: false, breaksAtomicity: false });
  });
});

describe('a statement may change data', () => {
  test.each([
    'UPDATE t SET a = 1',
    'INSERT INTO t VALUES (1)',
    'DELETE FROM t',
    'MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE',
    'TRUNCATE t',
    'COPY t FROM STDIN',
    'SELECT 1',
    'WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x',
    'SELECT * INTO u FROM t',
    'CREATE TABLE u AS SELECT * FROM t',
    'CREATE MATERIALIZED VIEW v AS SELECT 1',
    'REFRESH MATERIALIZED VIEW v',
    'ALTER SEQUENCE s RESTART WITH 1',
    'EXPLAIN ANALYZE DELETE FROM t',
    'CREATE ROLE r',
  ])('%s, undone with its transaction', (sql) => {
    expect(only(sql)).toMatchObject({ mayChangeData: true, breaksAtomicity: false });
  });

  test.each([
    'DO $$ BEGIN END $$',
    'CALL p()',
    'VACUUM t',
    'REINDEX TABLE t',
    'CLUSTER t',
    "SELECT setval('s', 1)",
    "SELECT pg_catalog.setval('s', 1)",
    "SELECT * FROM dblink('x', 'DELETE FROM t') AS d (a int)",
    "UPDATE t SET a = (SELECT b FROM dblink_exec('x', 'y') AS b)",
    'SELECT app.cleanup()',
    'SELECT cleanup()',
    'UPDATE t SET a = f(a)',
    'ALTER TABLE t ADD COLUMN c int DEFAULT next_code()',
    'ALTER TABLE t ALTER COLUMN c TYPE int USING to_number_of(c)',
    'CREATE INDEX i ON t (slug_of(name))',
    'SELECT 1 OPERATOR(app.+) 2',
    "SELECT query_to_xml('DELETE FROM t', true, true, '')",
    'CREATE DATABASE d',
    'ALTER SYSTEM SET work_mem = 1',
    "COPY t TO PROGRAM 'cat'",
    "PREPARE TRANSACTION 'x'",
    "COMMIT PREPARED 'x'",
    'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (bound_of(1)) TO (10)',
  ])('%s, which a rollback does not undo for certain', (sql) => {
    expect(only(sql)).toMatchObject({ mayChangeData: true, breaksAtomicity: true });
  });
});

describe('a statement breaks the transaction around it', () => {
  test.each([
    'BEGIN',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT a',
    'CREATE INDEX CONCURRENTLY i ON t (a)',
    'DROP INDEX CONCURRENTLY i',
    'ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY',
  ])('%s, without changing data', (sql) => {
    expect(only(sql)).toMatchObject({ mayChangeData: false, breaksAtomicity: true });
  });

  test.each(['REINDEX INDEX CONCURRENTLY i', 'REINDEX (CONCURRENTLY) TABLE t'])('%s', (sql) => {
    expect(only(sql).breaksAtomicity).toBe(true);
  });
});

describe('a script that cannot be read is expected to do anything', () => {
  test.each(['SELEC 1', "SELECT 'open", 'CREATE TABLE t (\0); DROP TABLE u', '\\connect other'])(
    '%j',
    (sql) => {
      expect(describeScript(sql)).toEqual({ parsed: false });
    },
  );
});

test('statements are cut out exactly, whatever characters stand before them', () => {
  const sql = '-- Größe 🚀\nSELECT \'; ü\';\r\n\n/* ; */ UPDATE "Ämter"\nSET x = $$;$$ ; ;\nSELECT 2 -- end';
  expect(splitStatements(sql)).toEqual(["SELECT '; ü'", 'UPDATE "Ämter"\nSET x = $$;$$', 'SELECT 2 -- end']);
  const parsed = parseSql(sql) ?? [];
  expect(parsed.map((statement) => statement.line)).toEqual([2, 4, 6]);
  for (const { start, text } of parsed) expect(sql.slice(start, start + text.length)).toBe(text);
});

test('a script of comments alone has no statement', () => {
  expect(describeScript('-- This is an empty migration.\n')).toEqual({ parsed: true, statements: [] });
});

test('a script with thousands of nested parentheses ends neither the parser nor the process', () => {
  const deep = `SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`;
  expect(typeof describeScript(deep).parsed).toBe('boolean');
  expect(only('SELECT 1').kind).toBe('SelectStmt');
});
