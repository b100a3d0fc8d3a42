import { beforeAll, describe, expect, it } from 'vitest';
import { destructiveStatements } from '../../../src/lint/destructive.ts';
import { loadParser } from '../../../src/lint/parse-sql.ts';

beforeAll(() => loadParser());

const found = (sql: string) =>
  destructiveStatements(sql)?.map(
    ({ action, object, line, isCertain }) => `${line} ${action} ${object}${isCertain ? '' : '?'}`,
  );

describe('statements that destroy data', () => {
  it.each([
    ['DROP TABLE a, "b".c CASCADE', ['1 drops the table "a"', '1 drops the table "b"."c"']],
    ['DROP SCHEMA s CASCADE', ['1 drops the schema "s"']],
    ['DROP SEQUENCE s.q', ['1 drops the sequence "s"."q"']],
    ['DROP TYPE t CASCADE', ['1 drops, with the columns that use it, the type "t"']],
    ['DROP DATABASE x', ['1 drops the database "x"']],
    [
      'ALTER TABLE a DROP COLUMN x, ALTER COLUMN y TYPE int USING y::int',
      ['1 drops the column "a"."x"', '1 changes the type of the column "a"."y"'],
    ],
    ['TRUNCATE a, b', ['1 empties the table "a"', '1 empties the table "b"']],
    ['DELETE FROM a', ['1 deletes every row of "a"']],
    ['UPDATE a SET b = 1', ['1 changes every row of "a"']],
    ['WITH d AS (DELETE FROM z RETURNING 1) SELECT 1', ['1 deletes every row of "z"']],
    ['SELECT 1;\n\n-- why\nDROP TABLE a;', ['4 drops the table "a"']],
    [
      'DELETE FROM a WHERE true; UPDATE b SET c = 1 WHERE 1 = 1',
      ['1 deletes every row of "a"', '1 changes every row of "b"'],
    ],
    ['MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE', ['1 deletes rows of "a"']],
    ['MERGE INTO a USING b ON true WHEN MATCHED THEN UPDATE SET x = 1', ['1 changes every row of "a"']],
    ['PREPARE p AS DELETE FROM a; EXECUTE p', ['1 deletes every row of "a"']],
    [
      'DO $$\nBEGIN\n  IF true THEN\n    TRUNCATE a;\n  END IF;\n  FOR r IN SELECT 1 LOOP\n    DELETE FROM b;\n  END LOOP;\nEND $$'.replace(
        'BEGIN',
        'DECLARE r record;\nBEGIN',
      ),
      ['5 empties the table "a"', '8 deletes every row of "b"'],
    ],
    ['DROP OWNED BY somebody', ['1 drops all objects of a role']],
  ])('%s', (sql, expected) => {
    expect(found(sql)).toEqual(expected);
  });

  it.each([
    ['CALL s.p(1); DROP TABLE a', ['1 drops the table "a"', '1 calls s.p?']],
    ['EXECUTE q', ['1 executes q?']],
    ['SELECT purge(id), lower(name) FROM a', ['1 calls purge()?']],
    [
      "DO $$ BEGIN EXECUTE 'DROP TABLE ' || x; DELETE FROM b; END $$",
      ['1 deletes every row of "b"', '1 runs DO?'],
    ],
    ['DO $$ BEGIN PERFORM s.purge(); END $$', ['1 calls s.purge()?']],
    ['DO LANGUAGE plpython3u $$x$$', ['1 runs DO?']],
    ['DO $$ BEGIN nothing that can be read; END $$ LANGUAGE plpgsql', ['1 runs DO?']],
    ['DO $$ BEGIN y := 1; END $$', ['1 runs DO?']],
  ])('%s: what cannot be known comes last', (sql, expected) => {
    expect(found(sql)).toEqual(expected);
  });

  it.each([
    'DROP VIEW v',
    'DROP INDEX i',
    'DROP FUNCTION f()',
    'DROP TYPE t',
    'DELETE FROM a WHERE id = 1',
    'UPDATE a SET b = 1 WHERE id = 1',
    'ALTER TABLE a ADD COLUMN x int, ALTER COLUMN y SET NOT NULL',
    'CREATE TABLE a (id int)',
    '-- DROP TABLE a',
    'MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET x = 1',
    "SELECT setval('s', max(id)) FROM a",
    'UPDATE a SET x = my_function(x) WHERE id = 1',
    "DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad'); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "DO $$ DECLARE n integer := 0; BEGIN n := n + 1; IF n > 0 THEN RAISE NOTICE '%', n; END IF; END $$",
    'CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$DROP TABLE a$$',
  ])('not %s', (sql) => {
    expect(found(sql)).toEqual([]);
  });

  it('are unknown where the script is no SQL', () => {
    expect(found('DROP TABEL a')).toBeUndefined();
    expect(destructiveStatements('DROP TABEL a')).toBeNull();
  });
});
