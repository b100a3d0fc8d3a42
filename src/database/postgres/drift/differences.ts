import { type ComparableEntry, comparableEntries, type SchemaSide } from './comparable-entries.ts';

/** An object that is not as the migrations made it. */
export interface Difference {
  readonly object: string;
  /** null when it should be there and is not. */
  readonly is: ComparableEntry | null;
  /** null when it should not be there. */
  readonly wanted: ComparableEntry | null;
}

/**
 * How `actual` differs from `expected`, object by object. Some expressions are printed differently after one restore;
 * `again` is `expected` after a restore, and equal to either is equal.
 */
export function differencesBetween(
  actual: SchemaSide,
  expected: SchemaSide,
  again: SchemaSide | null,
): readonly Difference[] {
  const is = comparableEntries(actual);
  const should = comparableEntries(expected);
  const alternative = again === null ? should : comparableEntries(again);
  const differences: Difference[] = [];
  for (const [object, entry] of is) {
    const wanted = should.get(object) ?? null;
    if (entry.key !== wanted?.key && entry.key !== alternative.get(object)?.key) {
      differences.push({ object, is: entry, wanted });
    }
  }
  for (const [object, wanted] of should) {
    if (!is.has(object)) differences.push({ object, is: null, wanted });
  }
  return differences;
}

/** The difference for people; begins with the object. */
export function sentenceOf({ object, is, wanted }: Difference): string {
  if (wanted === null) return `${object} is not in the migrations`;
  if (is === null) return `${object} is in the migrations and missing in the database`;
  return `${object} is not as the migrations made it`;
}
