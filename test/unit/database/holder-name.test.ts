import { describe, expect, it } from 'vitest';
import { holderName, parseHolderName } from '../../../src/database/postgres/lock/advisory-lock.ts';

const holder = {
  run: '3lif8hm0n',
  startedAt: '2026-11-22T17:00:17.250Z',
  description: 'applizor/erp run 16442509711',
};

describe("a lock holder's name", () => {
  it('carries run, description and the second of the start', () => {
    expect(holderName(holder)).toBe('safe-migrate 3lif8hm0n towxwh applizor/erp run 16442509711');
    expect(parseHolderName(holderName(holder))).toEqual({ ...holder, startedAt: '2026-11-22T17:00:17Z' });
  });

  it('keeps the end of a long description, where the run is named, within 63 characters', () => {
    const name = holderName({
      ...holder,
      description: 'some-organisation/some-repository run 16442509711 attempt 2',
    });
    expect(name).toHaveLength(63);
    expect(parseHolderName(name)?.description).toBe('..itory run 16442509711 attempt 2');
  });

  it('is ASCII, and whole without a description', () => {
    expect(holderName({ ...holder, description: 'büro' })).toMatch(/ b\?ro$/);
    expect(parseHolderName(holderName({ ...holder, description: '' }))?.description).toBe('');
  });

  it('is not read out of names that are no holders', () => {
    for (const name of ['', 'psql', 'safe-migrate', 'safe-migrate migrate 3lif8hm0n']) {
      expect(parseHolderName(name)).toBeNull();
    }
  });
});
