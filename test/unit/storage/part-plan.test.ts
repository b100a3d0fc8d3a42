import { describe, expect, test } from 'vitest';
import { maximumParts, partPlan } from '../../../src/storage/s3/part-plan.ts';

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;
const tebibyte = 1024 ** 4;

const sizes = [
  0,
  1,
  5 * mebibyte,
  8 * mebibyte,
  100 * mebibyte,
  gibibyte,
  5 * gibibyte,
  5 * gibibyte + 1,
  39 * gibibyte,
  48.9 * gibibyte,
  100 * gibibyte,
  500 * gibibyte,
  tebibyte,
  5 * tebibyte,
  40 * tebibyte,
];

describe('the parts of an upload', () => {
  test.each(sizes)('of %d bytes fit into what S3 allows', (estimatedBytes) => {
    const { partSizeBytes, bufferCount, maximumBytes } = partPlan(estimatedBytes);
    expect(partSizeBytes).toBeGreaterThanOrEqual(5 * mebibyte);
    expect(partSizeBytes).toBeLessThanOrEqual(5 * gibibyte);
    expect(partSizeBytes % mebibyte).toBe(0);
    expect(Math.ceil(estimatedBytes / partSizeBytes)).toBeLessThanOrEqual(maximumParts);
    expect(maximumBytes).toBe(partSizeBytes * maximumParts);
    expect(bufferCount).toBeGreaterThanOrEqual(2);
  });

  test.each(sizes.filter((size) => size <= 5 * tebibyte))(
    'leave headroom above an estimate of %d bytes',
    (estimatedBytes) => {
      expect(partPlan(estimatedBytes).maximumBytes).toBeGreaterThanOrEqual(
        estimatedBytes + Math.min(estimatedBytes, 256 * gibibyte),
      );
    },
  );

  test.each(sizes.filter((size) => size <= 58 * gibibyte))(
    'take at most 24 MiB of memory for %d bytes',
    (estimatedBytes) => {
      const { partSizeBytes, bufferCount } = partPlan(estimatedBytes);
      expect(partSizeBytes * bufferCount).toBeLessThanOrEqual(24 * mebibyte);
    },
  );

  test('are 8 MiB for databases as most are, and grow with the estimate', () => {
    expect(partPlan(gibibyte)).toEqual({
      partSizeBytes: 8 * mebibyte,
      bufferCount: 3,
      maximumBytes: 80_000 * mebibyte,
    });
    const planned = sizes.map((size) => partPlan(size).partSizeBytes);
    expect(planned).toEqual(planned.toSorted((a, b) => a - b));
    expect(partPlan(5 * tebibyte).partSizeBytes).toBe(551 * mebibyte);
  });
});
