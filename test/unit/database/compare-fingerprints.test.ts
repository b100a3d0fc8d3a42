import { describe, expect, test } from 'vitest';
import type { Fingerprint } from '../../../src/database/database.ts';
import { type SequenceDirection, sequenceKey } from '../../../src/database/postgres/fingerprint/sequences.ts';
import { compareFingerprints as compare } from '../../../src/database/postgres/prove/compare-fingerprints.ts';

const compareFingerprints = (
  expected: Fingerprint,
  actual: Fingerprint,
  directions?: ReadonlyMap<string, SequenceDirection>,
) => compare(expected, actual, directions === undefined ? {} : { directions }).differences;

const expected: Fingerprint = {
  serverMajor: 15,
  schemaDigest: 'a'.repeat(64),
  extensions: [{ name: 'citext', version: '1.5', schema: 'public' }],
  tables: [
    { schema: 'public', table: 'invoices', rows: 3, digest: '42', extension: null },
    { schema: 'public', table: 'users', rows: 1, digest: '7', extension: null },
  ],
  materializedViews: [{ schema: 'public', name: 'totals', populated: true, rows: 1, digest: '1' }],
  sequences: [
    { schema: 'public', name: 'ids', lastValue: '9007199254740993', isCalled: true, extension: null },
  ],
  largeObjects: { count: 2, digest: '5' },
  inventory: null,
};

const [, users] = expected.tables;
const [ids] = expected.sequences;

describe('comparing fingerprints', () => {
  test('equal ones have no differences, whatever their order and schema digest', () => {
    const actual = { ...expected, schemaDigest: 'b'.repeat(64), tables: expected.tables.toReversed() };
    expect(compareFingerprints(expected, actual)).toEqual([]);
  });

  test('names a table with other rows, other contents, missing, or too many', () => {
    const actual = {
      ...expected,
      tables: [
        { schema: 'public', table: 'invoices', rows: 2, digest: '42', extension: null },
        { schema: 'public', table: 'extra', rows: 0, digest: '0', extension: null },
      ],
    };
    expect(compareFingerprints(expected, actual)).toEqual([
      'table public.invoices has 2 rows instead of 3',
      'table public.users is missing',
      'table public.extra is there and should not be',
    ]);
    const changed = {
      ...expected,
      tables: [{ schema: 'public', table: 'invoices', rows: 3, digest: '43', extension: null }, users],
    };
    expect(compareFingerprints(expected, changed as Fingerprint)).toEqual([
      'table public.invoices has 3 rows as expected, but not the same contents',
    ]);
  });

  test('digests of different majors are not compared, counts are', () => {
    const actual: Fingerprint = {
      ...expected,
      serverMajor: 16,
      tables: expected.tables.map((table) => ({ ...table, digest: '0', rows: table.rows + 1 })),
      largeObjects: { count: 2, digest: '0' },
    };
    expect(compareFingerprints(expected, actual)).toEqual([
      'table public.invoices has 4 rows instead of 3',
      'table public.users has 2 rows instead of 1',
    ]);
  });

  test('names extensions, materialized views and large objects', () => {
    const actual: Fingerprint = {
      ...expected,
      extensions: [{ name: 'citext', version: '1.6', schema: 'public' }],
      materializedViews: [{ schema: 'public', name: 'totals', populated: false, rows: null, digest: null }],
      largeObjects: { count: 2, digest: '6' },
    };
    expect(compareFingerprints(expected, actual)).toEqual([
      'large objects: 2 as expected, but not the same contents, owners or grants',
      'materialized view public.totals is not populated',
      'extension citext has version 1.6 instead of 1.5',
    ]);
  });

  test('a name with a dot in it is not taken for another', () => {
    const one = {
      ...expected,
      tables: [{ schema: 'a.b', table: 'c', rows: 0, digest: '0', extension: null }],
    };
    const other = {
      ...expected,
      tables: [{ schema: 'a', table: 'b.c', rows: 0, digest: '0', extension: null }],
    };
    expect(compareFingerprints(one, other)).toHaveLength(2);
  });
});

describe('comparing sequences', () => {
  const at = (lastValue: string, isCalled = true): Fingerprint => ({
    ...expected,
    sequences: [{ schema: 'public', name: 'ids', lastValue, isCalled, extension: null }],
  });
  const moving = (direction: SequenceDirection) =>
    new Map([[sequenceKey({ schema: 'public', name: 'ids' }), direction]]);

  test('they must be equal unless told which way they move', () => {
    expect(ids?.lastValue).toBe('9007199254740993');
    expect(compareFingerprints(expected, at('9007199254740992'))).toEqual([
      'sequence public.ids stands at 9007199254740992 instead of 9007199254740993',
    ]);
    expect(compareFingerprints(expected, at('9007199254740994'))).toHaveLength(1);
  });

  test.each([
    ['ascending', '9007199254740994', true, 0],
    ['ascending', '9007199254740992', true, 1],
    ['ascending', '9007199254740993', false, 1],
    ['descending', '9007199254740992', true, 0],
    ['descending', '9007199254740994', true, 1],
    ['cycling', '1', true, 0],
  ] as const)('an %s one at %s (called: %s) has %i differences', (direction, value, isCalled, count) => {
    expect(compareFingerprints(expected, at(value, isCalled), moving(direction))).toHaveLength(count);
  });
});
