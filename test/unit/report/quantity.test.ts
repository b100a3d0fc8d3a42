import { describe, expect, it } from 'vitest';
import {
  countOf,
  formatBytes,
  formatCount,
  formatDuration,
  formatSeconds,
} from '../../../src/report/quantity.ts';

describe('quantities', () => {
  it.each([
    [0, '0 bytes'],
    [812, '812 bytes'],
    [999, '999 bytes'],
    [1_000, '1.0 kB'],
    [999_600, '1.0 MB'],
    [109_000_000, '109 MB'],
    [1_420_000_000, '1.4 GB'],
    [9_960_000_000, '10 GB'],
    [3_000_000_000_000, '3.0 TB'],
  ])('%i bytes read %s', (sizeBytes, text) => {
    expect(formatBytes(sizeBytes)).toBe(text);
  });

  it.each([
    [0, '0.0 s'],
    [412, '0.4 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min'],
    [132_000, '2 min 12 s'],
    [3_600_000, '1 h'],
    [3_900_000, '1 h 5 min'],
  ])('%i ms read %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it('keeps seconds in columns', () => {
    expect(formatSeconds(132_000)).toBe('132.0 s');
  });

  it('groups digits of counts that are hard to read otherwise', () => {
    expect([1, 9_999, 10_000, 7_500_061].map(formatCount)).toEqual(['1', '9999', '10 000', '7 500 061']);
  });

  it('counts in singular and plural', () => {
    expect([countOf(1, 'table'), countOf(214, 'table'), countOf(0, 'entry', 'entries')]).toEqual([
      '1 table',
      '214 tables',
      '0 entries',
    ]);
  });
});
