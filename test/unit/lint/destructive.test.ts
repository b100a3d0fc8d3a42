import { beforeAll, describe, expect, it } from 'vitest';
import { destructiveStatements } from '../../../src/lint/destructive.ts';
import { loadParser } from '../../../src/lint/parse-sql.ts';

beforeAll(() => loadParser());

const found = (sql: string) =>
  destructiveStatements(sql)?.map(({ action, object, line }) => `${line} ${action} ${object}`);

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
    ['DO $$ BEGIN END $$', ['1 runs code whose effect cannot be read from the script DO']],
    ['DROP OWNED BY somebody', ['1 drops all objects of a role']],
  ])('%s', (sql, expected) => {
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
  ])('not %s', (sql) => {
    expect(found(sql)).toEqual([]);
  });

  it('are unknown where the script is no SQL', () => {
    expect(found('DROP TABEL a')).toBeUndefined();
    expect(destructiveStatements('DROP TABEL a')).toBeNull();
  });
});
