import { expect, test } from 'vitest';
import { credentialWarnings } from '../../../src/storage/s3/check-bucket.ts';

const now = new Date('2026-11-22T14:25:00Z');
const warnings = (credentials: { sessionToken?: string; expiration?: Date }, neededMinutes: number) =>
  credentialWarnings('s3://bucket', credentials, neededMinutes, now);

test('credentials that never end need no warning', () => {
  expect(warnings({}, 10_000)).toEqual([]);
});

test('credentials whose end is known are warned of when the run may need longer', () => {
  const credentials = { sessionToken: 'x', expiration: new Date('2026-11-22T15:00:00Z') };
  expect(warnings(credentials, 35)).toEqual([]);
  expect(warnings(credentials, 36)).toEqual([
    expect.stringContaining('end in 35 min, this run may need 36 min'),
  ]);
});

test('credentials of a session with an unknown end are warned of when the run may need longer than an hour', () => {
  expect(warnings({ sessionToken: 'x' }, 60)).toEqual([]);
  expect(warnings({ sessionToken: 'x' }, 61)).toEqual([expect.stringContaining('role-duration-seconds')]);
});
