import type { Fingerprint } from '../database.ts';
import { isBehind, type SequenceDirection, sequenceKey } from './sequences.ts';

/**
 * What differs between two fingerprints, each as a sentence that starts with the object. Empty when they are equal.
 *
 * Not compared here: `schemaDigest` (equal schemas may deparse differently after one restore; see
 * schema-fixpoint.ts), rows of materialized views (a stale one restores fresh). Content digests are compared
 * between equal server majors only, row counts always.
 *
 * Sequences must be equal, unless `directions` is given: then `actual` may have moved on. A running application
 * takes values between the moment at which they were read and the moment at which pg_dump reads them, in no
 * snapshot; what matters is that no value is handed out twice.
 */
export function compareFingerprints(
  expected: Fingerprint,
  actual: Fingerprint,
  directions?: ReadonlyMap<string, SequenceDirection>,
): readonly string[] {
  return [
    ...compareTables(expected, actual),
    ...compareSequences(expected, actual, directions),
    ...compareLargeObjects(expected, actual),
    ...compareMaterializedViews(expected, actual),
    ...compareExtensions(expected, actual),
  ];
}

function compareTables(expected: Fingerprint, actual: Fingerprint): string[] {
  const haveEqualDigests = expected.serverMajor === actual.serverMajor;
  return compareNamed(
    expected.tables,
    actual.tables,
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

function compareSequences(
  expected: Fingerprint,
  actual: Fingerprint,
  directions: ReadonlyMap<string, SequenceDirection> | undefined,
): string[] {
  return compareNamed(
    expected.sequences,
    actual.sequences,
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

function compareMaterializedViews(expected: Fingerprint, actual: Fingerprint): string[] {
  return compareNamed(
    expected.materializedViews,
    actual.materializedViews,
    (view) => ['materialized view', view.schema, view.name],
    (before, after) => {
      if (before.populated === after.populated) return null;
      return after.populated ? 'is populated and should not be' : 'is not populated';
    },
  );
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
