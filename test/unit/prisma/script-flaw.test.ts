import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flawOf } from '../../../src/prisma/script-flaw.ts';

const sql = 'CREATE TABLE "Größe" (id int);\n';

describe('the bytes of a script', () => {
  it.each<[string, Buffer, RegExp | null]>([
    ['UTF-8', Buffer.from(sql), null],
    ['nothing', Buffer.alloc(0), null],
    ['the character U+FFFD itself, on purpose', Buffer.from(`SELECT '\uFFFD';`), null],
    ['a mark', Buffer.from(`\uFEFF${sql}`), /byte-order mark/],
    ['nothing but a mark', Buffer.from('\uFEFF'), /byte-order mark/],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${sql}`, 'utf16le'), /UTF-16/],
    ['UTF-16, big end first', Buffer.from(`\uFEFF${sql}`, 'utf16le').swap16(), /UTF-16/],
    ['UTF-16 without a mark', Buffer.from(sql, 'utf16le'), /UTF-16/],
    ['a NUL', Buffer.from(`${sql}\0`), /NUL/],
    ['Latin-1', Buffer.from(sql, 'latin1'), /not written in UTF-8/],
    ['half a letter at its end', Buffer.from(sql).subarray(0, 17), /not written in UTF-8/],
  ])('%s', (_, bytes, message) => {
    const flaw = flawOf(bytes);
    if (message === null) expect(flaw).toBeNull();
    else expect(flaw?.message).toMatch(message);
  });

  it('are sound whenever they are a text without NUL and mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\0') && !text.startsWith('\uFEFF'));
        expect(flawOf(Buffer.from(text))).toBeNull();
      }),
    );
  });
});
