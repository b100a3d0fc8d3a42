import { describe, expect, test } from 'vitest';
import { PrintedTextFilter, readableText } from '../../../src/prisma/printed-text.ts';

const failure = `Error: P3018

Migration name: 2_bad

Database error code: 23505

Database error:
ERROR: duplicate key value violates unique constraint "a_pkey"
DETAIL: Key (email)=(secret@example.org
second line) already exists.
HINT: secret hint

DbError { severity: "ERROR", message: "duplicate key", detail: Some("Key (email)=(secret@example.org\\n\\"x\\" second line)"), hint: Some("secret hint"), where_: Some("secret context"), table: Some("a"), position: Some(Internal { position: 3, query: "secret query" }) }
`;

describe('what Prisma prints', () => {
  test('is shown without row values', () => {
    const text = readableText(failure);
    expect(text).not.toMatch(/secret|second line/);
    expect(text).toContain('ERROR: duplicate key value violates unique constraint "a_pkey"');
    expect(text).toContain('table: Some("a")');
    expect(text).toContain('Database error code: 23505');
  });

  test('is the same in whatever pieces it comes', () => {
    for (const size of [1, 7, 64]) {
      const filter = new PrintedTextFilter();
      let text = '';
      for (let index = 0; index < failure.length; index += size)
        text += filter.add(failure.slice(index, index + size));
      expect(text + filter.end()).toBe(readableText(failure));
    }
  });

  test('is shown without passwords of URLs', () => {
    expect(
      readableText('Error: cannot use postgresql://app:p@ss:w%2Frd@db.example.org:5432/erp?x=1 here'),
    ).toBe('Error: cannot use postgresql://app:***@db.example.org:5432/erp?x=1 here');
  });

  test('is shown without the secrets that are known', () => {
    expect(readableText('Boom hunter22 and hunter2', ['hunter2', 'hunter22'])).toBe('Boom *** and ***');
  });

  test('is read without colours', () => {
    expect(readableText('\u001b[1m  4\u001b[1;31m SELECT nope\u001b[0m')).toBe('  4 SELECT nope');
  });
});
