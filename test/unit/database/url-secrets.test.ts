import { expect, test } from 'vitest';
import { secretsIn } from '../../../src/database/postgres/server/url-secrets.ts';

const password = `p@ss:/%' "$ü`;

test('the password is masked as written, decoded, and re-encoded, and so is the whole URL', () => {
  const url = `postgresql://user:${encodeURIComponent(password)}@host:5432/db`;
  expect(secretsIn(url)).toEqual(
    expect.arrayContaining([
      url,
      password,
      encodeURIComponent(password),
      JSON.stringify(password).slice(1, -1),
    ]),
  );
});

test('the password of a URL that cannot be parsed is masked too', () => {
  expect(secretsIn('postgresql://user:se/cr#et@host/db')).toContain('se/cr#et');
});

test('secrets in parameters are masked', () => {
  expect(secretsIn('postgresql://user@host/db?sslpassword=keykey&password=hidden')).toEqual(
    expect.arrayContaining(['keykey', 'hidden']),
  );
  expect(secretsIn('prisma://accelerate.example/?api_key=abcdefgh')).toContain('abcdefgh');
});

test('a very short password is not masked on its own: it would blot out the log', () => {
  expect(secretsIn('postgresql://user:a@host/db')).toEqual(['postgresql://user:a@host/db']);
});

test('an empty URL has no secrets', () => {
  expect(secretsIn('')).toEqual([]);
});

test('longer values come first, so that no part is replaced before its whole', () => {
  const lengths = secretsIn(`postgresql://user:${encodeURIComponent(password)}@host/db`).map(
    (value) => value.length,
  );
  expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
});
