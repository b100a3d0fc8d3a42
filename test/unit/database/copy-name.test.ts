import { describe, expect, test } from 'vitest';
import { copyMark, parseCopyMark, provenCopy } from '../../../src/database/postgres/copy/copy-mark.ts';
import { coordinationName, copyName } from '../../../src/database/postgres/copy/copy-name.ts';

describe('names of copies', () => {
  test('a short target keeps its whole name', () => {
    expect(copyName('erp', 'fallback', 'k3f9a2')).toBe('erp__fallback_k3f9a2');
    expect(copyName('erp', 'failed', 'k3f9a2')).toBe('erp__failed_k3f9a2');
    expect(coordinationName('erp')).toBe('erp__safe_migrate');
  });

  test('a name of exactly 63 bytes is not cut', () => {
    const target = 'x'.repeat(63 - '__fallback_k3f9a2'.length);
    expect(copyName(target, 'fallback', 'k3f9a2')).toBe(`${target}__fallback_k3f9a2`);
  });

  test('a long target is cut, its suffix never', () => {
    const name = copyName('x'.repeat(63), 'rehearsal', 'k3f9a2');
    expect(Buffer.byteLength(name)).toBe(63);
    expect(name).toMatch(/^x+_[0-9a-f]{8}__rehearsal_k3f9a2$/);
    expect(Buffer.byteLength(coordinationName('x'.repeat(63)))).toBe(63);
  });

  test('two long targets with the same beginning get different names', () => {
    const stem = 'x'.repeat(62);
    expect(copyName(`${stem}a`, 'fallback', 'r')).not.toBe(copyName(`${stem}b`, 'fallback', 'r'));
  });

  test('characters of several bytes are kept whole', () => {
    const name = copyName('漢'.repeat(21), 'fallback', 'k3f9a2');
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    expect(name).toMatch(/^漢+_[0-9a-f]{8}__fallback_k3f9a2$/);
  });
});

describe('marks of copies', () => {
  const mark = { kind: 'fallback', target: `a "b" 'c' \\ é`, run: 'k3f9a2' } as const;

  test('a mark reads back as it was written', () => {
    expect(parseCopyMark(copyMark(mark))).toEqual(mark);
  });

  test('that of a failed database also says when it was swapped out and what took its place', () => {
    const failed = { ...mark, kind: 'failed', at: '2026-11-27T21:38:42.123Z', replacedBy: 16384 } as const;
    expect(parseCopyMark(copyMark(failed))).toEqual(failed);
  });

  test.each([
    null,
    '',
    'our ERP database',
    'safe-migrate {"format":1,"kind":"failed","target":"erp","run":"r","at":"yesterday"}',
    'safe-migrate {"format":1,"kind":"failed","target":"erp","run":"r","__proto__":{}}',
    `safe-migrate ${'['.repeat(900)}`,
    'safe-migrate made this, I think',
    'safe-migrate {"format":1,"kind":"target","target":"erp","run":"r"}',
    'safe-migrate {"format":2,"kind":"fallback","target":"erp","run":"r"}',
    'safe-migrate {"format":1,"kind":"fallback","target":"","run":"r"}',
    'safe-migrate [1]',
  ])('%j is no mark', (comment) => {
    expect(parseCopyMark(comment)).toBeNull();
  });

  test('name and mark must agree', () => {
    const comment = copyMark({ kind: 'fallback', target: 'erp', run: 'r1' });
    expect(provenCopy('erp', 'erp__fallback_r1', comment)).toEqual({
      kind: 'fallback',
      target: 'erp',
      run: 'r1',
    });
    expect(provenCopy('erp', 'erp', comment)).toBeNull();
    expect(provenCopy('erp', 'erp__fallback_r2', comment)).toBeNull();
    expect(provenCopy('erp', 'erp__failed_r1', comment)).toBeNull();
    expect(provenCopy('crm', 'erp__fallback_r1', comment)).toBeNull();
    expect(provenCopy('erp', 'erp__fallback_r1', null)).toBeNull();
  });

  test('a run that no name has room for has made nothing', () => {
    const comment = copyMark({ kind: 'failed', target: 'erp', run: 'r'.repeat(200) });
    expect(provenCopy('erp', 'erp__failed_r', comment)).toBeNull();
  });
});
