import { expect, test } from 'vitest';
import { survivesTheJob } from '../../../src/storage/survives-the-job.ts';

test.each([
  ['file', 'github-hosted', false],
  ['file', 'self-hosted', true],
  ['file', undefined, true],
  ['s3', 'github-hosted', true],
  ['artifact', 'github-hosted', true],
] as const)('%s on %s: %s', (kind, environment, survives) => {
  expect(survivesTheJob(kind, environment)).toBe(survives);
});
