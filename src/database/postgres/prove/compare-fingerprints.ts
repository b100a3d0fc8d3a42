import type { Fingerprint, TableContent } from '../../database.ts';
import { formOfDigest, markedDigest, sumOfDigest } from '../../row-digest.ts';
import { isBehind, type SequenceDirection, sequenceKey } from '../fingerprint/sequences.ts';
import { tableKey } from '../fingerprint/table-content.ts';
import {
  type Comparison,
  compareInventories,
  type KnownDifference,
} from '../inventory/compare-inventories.ts';

/** What has to be known of the copy besides. */
interface CopyTraits {
  /**
   * Given: sequences may have moved on. A running application takes values between the moment at which they were read
   * and the moment at which pg_dump reads them, in no snapshot; what matters is that no value is handed out twice.
   */
  readonly directions?: ReadonlyMap<string, SequenceDirection>;
  /** The root, by `tableKey`, of partitions in which the place of a row depends on OIDs. */
  readonly roots?: ReadonlyMap<string, string>;
  readonly known?: readonly KnownDifference[];
}

/**
 * What differs between two fingerprints, each as a sentence that starts with the object, and what is not proved by them.
 *
 * Not compared here: `schemaDigest` (equal schemas may deparse differently after one restore; see
 * schema-fixpoint.ts). Content digests and inventories are compared between equal server majors only, row counts always.
 * A stale materialized view restores fresh, a queue of an extension restores empty: such things are told.
 */
export function compareFingerprints(
  expected: Fingerprint,
  actual: Fingerprint,
  traits: CopyTraits = {},
): Comparison {
  const isComparable = expected.serverMajor === actual.serverMajor;
  const inventories =
    isComparable && expected.inventory !== null && actual.inventory !== null
      ? compareInventories(expected.inventory, actual.inventory, traits.known)
      : { differences: [], told: [] };
  const sequences = compareSequences(expected, actual, traits.directions);
  const views = compareMaterializedViews(expected, actual);
  return {
    differences: [
      ...compareTables(expected, actual, traits.roots ?? new Map()),
      ...sequences.differences,
      ...compareLargeObjects(expected, actual),
      ...views.differences,
      ...compareExtensions(expected, actual),
      ...inventories.differences,
    ],
    told: [...unreadTables(expected, actual), ...sequences.told, ...views.told, ...inventories.told],
  };
}

/** Of extensions: what the role cannot read in the target, and can in the copy, which it made. */
function unreadTables(expected: Fingerprint, actual: Fingerprint): string[] {
  // A backup of a version that did not look at extensions.
  if (expected.inventory === null) return [];
  const known = new Set(expected.tables.map(tableKey));
  return actual.tables
    .filter((table) => table.extension !== null && !known.has(tableKey(table)))
    .map(
      (table) =>
        `table ${table.schema}.${table.table} of extension ${table.extension} cannot be read, so its rows are not compared`,
    );
}

function compareTables(
  expected: Fingerprint,
  actual: Fingerprint,
  roots: ReadonlyMap<string, string>,
): string[] {
  const haveEqualDigests = expected.serverMajor === actual.serverMajor;
  const known = new Set(expected.tables.map(tableKey));
  return compareNamed(
    byRoot(expected.tables, roots),
    byRoot(
      actual.tables.filter((table) => table.extension === null || known.has(tableKey(table))),
      roots,
    ),
    (table) => ['table', table.schema, table.table],
    (before, after) => {
      if (before.rows !== after.rows) return `has ${after.rows} rows instead of ${before.rows}`;
      if (haveEqualDigests && before.digest !== after.digest) {
        return `has ${after.rows} rows as expected, but not the same contents`;
      }
      return null;
    },
  );
}

/** Partitions whose rows may change places become one table: their root. */
function byRoot(
  tables: readonly TableContent[],
  roots: ReadonlyMap<string, string>,
): readonly TableContent[] {
  if (roots.size === 0) return tables;
  const sums = new Map<string, TableContent>();
  for (const content of tables) {
    const root = roots.get(tableKey(content));
    const key = root === undefined ? tableKey(content) : `root ${root}`;
    const sum = sums.get(key);
    sums.set(key, {
      ...content,
      ...(root === undefined ? {} : { schema: 'of all partitions of', table: root }),
      rows: content.rows + (sum?.rows ?? 0),
      digest: markedDigest(
        formOfDigest(content.digest),
        (sumOfDigest(content.digest) + (sum === undefined ? 0n : sumOfDigest(sum.digest))).toString(),
      ),
    });
  }
  return [...sums.values()];
}

/** Those of extensions hand out numbers of queues and caches: where they stand is told. */
function compareSequences(
  expected: Fingerprint,
  actual: Fingerprint,
  directions: ReadonlyMap<string, SequenceDirection> | undefined,
): Comparison {
  const of = (sequences: Fingerprint['sequences'], isExtensions: boolean) =>
    sequences.filter((sequence) => (sequence.extension !== null) === isExtensions);
  const known = new Set(expected.sequences.map(sequenceKey));
  const ofExtensions = of(actual.sequences, true).filter((sequence) => known.has(sequenceKey(sequence)));
  return {
    differences: differingSequences(of(expected.sequences, false), of(actual.sequences, false), directions),
    told: differingSequences(of(expected.sequences, true), ofExtensions, directions),
  };
}

function differingSequences(
  expected: Fingerprint['sequences'],
  actual: Fingerprint['sequences'],
  directions: ReadonlyMap<string, SequenceDirection> | undefined,
): string[] {
  return compareNamed(
    expected,
    actual,
    (sequence) => ['sequence', sequence.schema, sequence.name],
    (before, after) => {
      if (before.lastValue === after.lastValue && before.isCalled === after.isCalled) return null;
      if (
        directions !== undefined &&
        !isBehind(after, before, directions.get(sequenceKey(after)) ?? 'ascending')
      ) {
        return null;
      }
      return `stands at ${position(after)} instead of ${position(before)}`;
    },
  );
}

function position(sequence: { readonly lastValue: string; readonly isCalled: boolean }): string {
  return sequence.isCalled ? sequence.lastValue : `${sequence.lastValue} (not yet used)`;
}

function compareLargeObjects(expected: Fingerprint, actual: Fingerprint): string[] {
  const [before, after] = [expected.largeObjects, actual.largeObjects];
  if (before.count !== after.count) return [`large objects: ${after.count} instead of ${before.count}`];
  if (expected.serverMajor === actual.serverMajor && before.digest !== after.digest) {
    return [`large objects: ${after.count} as expected, but not the same contents, owners or grants`];
  }
  return [];
}

/** A restore computes them anew, so that other rows mean: it was stale, or its query says something else every time. */
function compareMaterializedViews(expected: Fingerprint, actual: Fingerprint): Comparison {
  const name = (view: Fingerprint['materializedViews'][number]) =>
    ['materialized view', view.schema, view.name] as const;
  const haveEqualDigests = expected.serverMajor === actual.serverMajor;
  return {
    differences: compareNamed(expected.materializedViews, actual.materializedViews, name, (before, after) => {
      if (before.populated === after.populated) return null;
      return after.populated ? 'is populated and should not be' : 'is not populated';
    }),
    told: compareNamed(
      expected.materializedViews.filter((view) => view.populated && expected.inventory !== null),
      actual.materializedViews,
      name,
      (before, after) => {
        if (before.rows === null || after.rows === null)
          return 'cannot be read, so its rows are not compared';
        if (before.rows === after.rows && (!haveEqualDigests || before.digest === after.digest)) return null;
        return `holds other rows when it is computed anew (${after.rows} for ${before.rows}): it is stale, or its query does not always say the same`;
      },
    ).filter((sentence) => !/ is (missing|there and should not be)$/.test(sentence)),
  };
}

function compareExtensions(expected: Fingerprint, actual: Fingerprint): string[] {
  return compareNamed(
    expected.extensions,
    actual.extensions,
    (extension) => ['extension', extension.name],
    (before, after) => {
      if (before.version !== after.version)
        return `has version ${after.version} instead of ${before.version}`;
      if (before.schema !== after.schema) return `is in schema ${after.schema} instead of ${before.schema}`;
      return null;
    },
  );
}

/** Pairs both lists by name (kind of object first); what only one of them has is a difference as well. */
function compareNamed<T>(
  expected: readonly T[],
  actual: readonly T[],
  nameOf: (item: T) => readonly [string, ...string[]],
  difference: (before: T, after: T) => string | null,
): string[] {
  const key = (item: T): string => JSON.stringify(nameOf(item));
  const label = (item: T): string => {
    const [kind, ...name] = nameOf(item);
    return `${kind} ${name.join('.')}`;
  };
  const found = new Map(actual.map((item) => [key(item), item]));
  const differences: string[] = [];
  for (const before of expected) {
    const after = found.get(key(before));
    found.delete(key(before));
    const text = after === undefined ? 'is missing' : difference(before, after);
    if (text !== null) differences.push(`${label(before)} ${text}`);
  }
  for (const extra of found.values()) differences.push(`${label(extra)} is there and should not be`);
  return differences;
}
