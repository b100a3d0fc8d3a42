import { expect, it } from 'vitest';
import { RefusedError, SafeMigrateError } from '../../../src/system/errors.ts';

it('keeps the page of docs/ of every problem when several are told together', () => {
  const bucket = new SafeMigrateError({ code: 'SM_A', message: 'a', hint: 'h', docs: 'storage.md' });
  const table = { code: 'SM_B' as const, message: 'b', hint: 'h' };
  expect(new RefusedError([bucket, table]).problems.map(({ docs }) => docs)).toEqual([
    'storage.md',
    undefined,
  ]);
  expect(new RefusedError([table, bucket]).problems.map(({ docs }) => docs)).toEqual([
    undefined,
    'storage.md',
  ]);
  const [only] = new RefusedError([table], { docs: 'prisma.md' }).problems;
  expect(only?.docs).toBe('prisma.md');
});
