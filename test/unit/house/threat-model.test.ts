import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');

interface Line {
  readonly actor: string;
  readonly cells: readonly string[];
  readonly file: string;
  readonly name: string;
}

const lines = page
  .split('\n')
  .filter((line) => /^\| (?!Actor |---)/.test(line))
  .map((line): Line => {
    const cells = line
      .slice(2, -2)
      .split(/ \| /)
      .map((cell) => cell.replaceAll('\\|', '|'));
    const [, file = '', name = ''] = /^`([^`]+)` › (.+)$/.exec(cells[3] ?? '') ?? [];
    return { actor: cells[0] ?? '', cells, file, name };
  });

test('every line of the threat model says who, what, what stops him, and names one test', () => {
  expect(lines.length).toBeGreaterThan(10);
  const incomplete = lines.filter(
    ({ cells, file, name }) =>
      cells.length !== 4 || cells.some((cell) => cell.trim() === '') || file === '' || name === '',
  );
  expect(incomplete.map(({ cells }) => cells.join(' | '))).toEqual([]);
});

test('every actor of a line is one of those that the page introduces', () => {
  const introduced = [...page.matchAll(/\*\*([^*]+)\*\*/g)].map(([, name = '']) => name.toLowerCase());
  expect(
    [...new Set(lines.map(({ actor }) => actor))].filter(
      (actor) => !introduced.includes(actor.toLowerCase()),
    ),
  ).toEqual([]);
});

test('every test that the threat model names exists, by that very name', () => {
  const missing = lines.filter(({ file, name }) => {
    if (!/^test\/.*\.test\.ts$/.test(file) || !existsSync(join(root, file))) return true;
    const source = readFileSync(join(root, file), 'utf8');
    return !["'", '"', '`'].some((quote) => {
      const written = `${quote}${name.replaceAll(quote, `\\${quote}`)}${quote}`;
      return source.includes(written);
    });
  });
  expect(missing.map(({ file, name }) => `${file} › ${name}`)).toEqual([]);
});
