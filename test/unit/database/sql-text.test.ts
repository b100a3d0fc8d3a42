import { describe, expect, test } from 'vitest';
import { splitStatements } from '../../../src/database/postgres/session/sql-split.ts';
import { identifier, literal, qualified } from '../../../src/database/sql-text.ts';

describe('identifier', () => {
  test('quotes every name', () => {
    expect(identifier('plain')).toBe('"plain"');
    expect(identifier('a"b')).toBe('"a""b"');
    expect(qualified('my schema', 't')).toBe('"my schema"."t"');
  });

  test('refuses names that PostgreSQL would cut or could not hold', () => {
    expect(() => identifier('')).toThrow(RangeError);
    expect(() => identifier('ü'.repeat(32))).toThrow(RangeError);
    expect(() => identifier('a\0b')).toThrow(RangeError);
    expect(identifier('x'.repeat(63))).toHaveLength(65);
  });
});

describe('literal', () => {
  test('doubles quotes and escapes backslashes', () => {
    expect(literal("it's")).toBe("'it''s'");
    expect(literal("a\\'b")).toBe(" E'a\\\\''b'");
  });

  test('refuses NUL and lone surrogates', () => {
    expect(() => literal('a\0')).toThrow(RangeError);
    expect(() => literal('\ud800')).toThrow(RangeError);
  });
});

describe('splitStatements', () => {
  test.each([
    ['select 1', ['select 1']],
    ['select 1;', ['select 1']],
    [' a ; b ;; -- c\n ; /* d; */', ['a', 'b']],
    ['select \'a;b\', "c;d"; select 2', ['select \'a;b\', "c;d"', 'select 2']],
    ["select 'it''s;'; b", ["select 'it''s;'", 'b']],
    ["select E'\\';'; b", ["select E'\\';'", 'b']],
    ["select 'a\\'; b", ["select 'a\\'", 'b']],
    ["select E'a'\n  '\\';'; b", ["select E'a'\n  '\\';'", 'b']],
    ['do $$ begin; end $$; b', ['do $$ begin; end $$', 'b']],
    ['do $x$ $$; $x$; b', ['do $x$ $$; $x$', 'b']],
    ['select a$b$c; select 1 as x$y$', ['select a$b$c', 'select 1 as x$y$']],
    ['select $1; b', ['select $1', 'b']],
    ['a /* x /* ; */ ; */; b', ['a /* x /* ; */ ; */', 'b']],
    ['select 1 -- it\'s; "\n; b', ['select 1 -- it\'s; "', 'b']],
    ["select namee'x;'; b", ["select namee'x;'", 'b']],
    ['', []],
    ['-- nothing', []],
  ])('%j', (sql, statements) => {
    expect(splitStatements(sql)).toEqual(statements);
  });

  test.each([
    "select 'open",
    'select "open',
    'select $$ open',
    'a /* open',
    "select E'open\\'",
    'a \\echo b',
    'a\0',
  ])('refuses %j, for which psql would wait, or which it would act on', (sql) => {
    expect(() => splitStatements(sql)).toThrow(SyntaxError);
  });
});
