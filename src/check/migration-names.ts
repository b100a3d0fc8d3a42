/** `20260103101500_split_name`: what `prisma migrate dev --name` makes. */
const wellFormed = /^\d{14}_[a-z0-9]+(?:[_-][a-z0-9]+)*$/i;
/** Prisma's own baseline convention: `0_init`. */
const baseline = /^0+_[a-z0-9_-]+$/i;
/** Words that say nothing about what a migration does. */
const emptyWords = new Set([
  'migration',
  'migrations',
  'test',
  'fix',
  'update',
  'change',
  'changes',
  'new',
  'tmp',
  'wip',
  'foo',
  'asdf',
]);

/** What is wrong with a migration's name, as a clause that follows it; null when it is a good one. */
export function badName(name: string): string | null {
  if (baseline.test(name)) return null;
  if (!wellFormed.test(name))
    return 'is not named <timestamp>_<words>, so its place among the others is left to chance';
  const words = name.slice(15).toLowerCase();
  return emptyWords.has(words) ? `says nothing about what it does ("${words}")` : null;
}
