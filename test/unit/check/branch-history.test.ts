import { describe, expect, it } from 'vitest';
import { compareBranches } from '../../../src/check/branch-history.ts';

const folder = 'app/prisma/migrations';
const listing = (scripts: Readonly<Record<string, string>>) =>
  new Map([
    ...Object.entries(scripts).map(([name, blob]) => [`${folder}/${name}/migration.sql`, blob] as const),
    [`${folder}/migration_lock.toml`, 'lock'] as const,
    ['app/prisma/schema.prisma', 'schema'] as const,
  ]);
const compare = (
  base: Readonly<Record<string, string>>,
  head: Readonly<Record<string, string>>,
  isMerged = true,
) => {
  const { findings, added } = compareBranches(listing(base), listing(head), { isMerged, folder });
  return {
    added,
    found: findings.map(({ severity, code, file }) => `${severity} ${code} ${file ?? ''}`.trim()),
  };
};

describe('a branch against its base', () => {
  it('finds nothing in new migrations that come last', () => {
    expect(compare({ '1_a': 'x' }, { '1_a': 'x', '2_b': 'y' })).toEqual({ added: ['2_b'], found: [] });
  });
  it('finds an edited one at its file', () => {
    expect(compare({ '1_a': 'x' }, { '1_a': 'z' }).found).toEqual([
      `error SM_HISTORY_EDITED ${folder}/1_a/migration.sql`,
    ]);
  });
  it('tells a renamed one from a deleted one by its content', () => {
    expect(compare({ '1_a': 'x', '2_b': 'y' }, { '1_a': 'x', '3_c': 'y' }).found).toEqual([
      `error SM_HISTORY_RENAMED ${folder}/3_c/migration.sql`,
    ]);
    expect(compare({ '1_a': 'x', '2_b': 'y' }, { '1_a': 'x' }).found).toEqual(['error SM_HISTORY_MISSING']);
  });
  it('only warns about a missing one where the branch may just be behind', () => {
    expect(compare({ '1_a': 'x', '2_b': 'y' }, { '1_a': 'x' }, false).found).toEqual([
      'warning SM_HISTORY_MISSING',
    ]);
  });
  it('warns about a new one that sorts before old ones', () => {
    expect(compare({ '2_b': 'y' }, { '1_a': 'x', '2_b': 'y' }).found).toEqual([
      `warning SM_MIGRATION_ORDER ${folder}/1_a/migration.sql`,
    ]);
  });
});
