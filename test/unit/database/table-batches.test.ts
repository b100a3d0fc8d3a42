import { expect, test } from 'vitest';
import { inOrder, tableBatches } from '../../../src/database/postgres/fingerprint/table-batches.ts';

const shape = (table: string, sizeBytes: number, columns = 2) => ({
  schema: 's',
  table,
  columns: Array.from({ length: columns }, (_, index) => `c${index}`),
  sizeBytes,
  extension: null,
});
const names = (shapes: Parameters<typeof tableBatches>[0]) =>
  tableBatches(shapes).map(({ tables }) => tables.map(({ table }) => table).join(' '));

test('small tables are read together, a large one alone', () => {
  expect(names([shape('a', 0), shape('big', 5_000_000), shape('b', 8192)])).toEqual(['big', 'a b']);
});

test.each([
  ['a hundred tables', 100, shape('t', 0)],
  ['1 500 columns', 15, shape('t', 0, 100)],
  ['4 MB', 4, shape('t', 1024 * 1024)],
])('a batch holds at most %s', (_, most, each) => {
  const batches = tableBatches(Array.from({ length: 2 * most + 1 }, () => each));
  expect(batches.map(({ tables }) => tables.length)).toEqual([most, most, 1]);
  expect(batches[0]?.sizeBytes).toBe(most * each.sizeBytes);
});

test('without tables there is nothing to read', () => {
  expect(tableBatches([])).toEqual([]);
});

test('what was read is put in the order of the tables', () => {
  const read = (table: string) => ({ schema: 's', table, rows: 0, digest: '0', extension: null });
  const ordered = inOrder([shape('a', 0), shape('b', 0), shape('c', 0)], [read('c'), read('a'), read('b')]);
  expect(ordered.map(({ table }) => table)).toEqual(['a', 'b', 'c']);
});
