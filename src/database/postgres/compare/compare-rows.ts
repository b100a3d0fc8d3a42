import type { TableDifference } from '../../../report/report.ts';
import type { ExportedSnapshot } from '../fingerprint/snapshot-readers.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { HashStream } from './hash-stream.ts';
import { mergeHashes } from './merge-hashes.ts';
import {
  type Bucket,
  bucketBits,
  type HashedRows,
  readBuckets,
  readKeys,
  sortedHashesSql,
} from './row-hashes.ts';

/** Keys that are shown of what only the failed database holds. */
export const sampleLimit = 20;

/** One of the two databases: a session that reads in its snapshot, and the snapshot for further ones. */
export interface ComparedSide {
  readonly session: SqlSession;
  readonly source: ExportedSnapshot;
}

interface RowComparison {
  readonly server: PostgresServer;
  readonly failed: ComparedSide;
  readonly target: ComparedSide;
  /** The same key and columns on both sides. */
  readonly failedRows: HashedRows;
  readonly targetRows: HashedRows;
  /** About how many rows there are. */
  readonly expectedRows: number;
}

type RowDifferences = Pick<TableDifference, 'onlyInFailed' | 'changed' | 'onlyInTarget' | 'sampleKeys'> & {
  /** Rows of the target that counted. */
  readonly targetRowCount: number;
};

/**
 * Compares the rows of one table in two databases. First bucket by bucket, which the server does in one pass over
 * each; then, row by row, only what is in differing buckets, as two sorted streams of hashes. So neither side's rows
 * come here, and node holds some kilobytes however large the table is.
 */
export async function compareRows(comparison: RowComparison): Promise<RowDifferences> {
  const { failed, target, failedRows, targetRows } = comparison;
  const bits = bucketBits(comparison.expectedRows);
  const [failedBuckets, targetBuckets] = await Promise.all([
    readBuckets(failed.session, failedRows, bits),
    readBuckets(target.session, targetRows, bits),
  ]);
  const targetRowCount = targetBuckets.reduce((sum, { rows }) => sum + rows, 0);
  const differing = differingBuckets(failedBuckets, targetBuckets);
  if (differing.length === 0) {
    return { onlyInFailed: 0, changed: 0, onlyInTarget: 0, sampleKeys: [], targetRowCount };
  }
  // With most of them different, asking for each is dearer than reading all.
  const chosen = differing.length > 2 ** bits / 2 ? null : differing;
  const counted = await countDifferences(comparison, bits, chosen);
  const sampleKeys = await readKeys(failed.session, failedRows, counted.sampleHashes, sampleLimit);
  const { onlyInFailed, changed, onlyInTarget } = counted;
  return { onlyInFailed, changed, onlyInTarget, sampleKeys, targetRowCount };
}

function differingBuckets(a: readonly Bucket[], b: readonly Bucket[]): string[] {
  const text = ({ rows, digest }: Bucket): string => `${rows} ${digest}`;
  const inA = new Map(a.map((bucket) => [bucket.bucket, text(bucket)]));
  const inB = new Map(b.map((bucket) => [bucket.bucket, text(bucket)]));
  return [...new Set([...inA.keys(), ...inB.keys()])].filter((bucket) => inA.get(bucket) !== inB.get(bucket));
}

interface CountedDifferences {
  onlyInFailed: number;
  changed: number;
  onlyInTarget: number;
  readonly sampleHashes: string[];
}

async function countDifferences(
  { server, failed, target, failedRows, targetRows }: RowComparison,
  bits: number,
  buckets: readonly string[] | null,
): Promise<CountedDifferences> {
  const counted: CountedDifferences = { onlyInFailed: 0, changed: 0, onlyInTarget: 0, sampleHashes: [] };
  const hasKey = failedRows.key.length > 0;
  await using failedStream = new HashStream(
    server,
    failed.source,
    sortedHashesSql(failedRows, bits, buckets),
  );
  await using targetStream = new HashStream(
    server,
    target.source,
    sortedHashesSql(targetRows, bits, buckets),
  );
  await mergeHashes(failedStream, targetStream, (key, inFailed, inTarget) => {
    const { onlyFailed, onlyTarget, both } = hasKey
      ? differentValues(inFailed, inTarget)
      : differentCounts(inFailed, inTarget);
    counted.onlyInFailed += onlyFailed;
    counted.onlyInTarget += onlyTarget;
    counted.changed += both;
    if (onlyFailed > 0 && counted.sampleHashes.length < sampleLimit) counted.sampleHashes.push(key);
  });
  return counted;
}

interface KeyDifference {
  readonly onlyFailed: number;
  readonly onlyTarget: number;
  /** Rows that both have, with different values. */
  readonly both: number;
}

const same: KeyDifference = { onlyFailed: 0, onlyTarget: 0, both: 0 };

/** Row hashes of one key: at most one a side, unless two keys share a hash. */
function differentValues(inFailed: readonly string[], inTarget: readonly string[]): KeyDifference {
  if (inFailed.length === 1 && inTarget.length === 1 && inFailed[0] === inTarget[0]) return same;
  const failed = inFailed.filter((hash) => !inTarget.includes(hash)).length;
  const target = inTarget.filter((hash) => !inFailed.includes(hash)).length;
  const both = Math.min(failed, target);
  return { onlyFailed: failed - both, onlyTarget: target - both, both };
}

/** How many equal rows each side has of one kind: one number a side, or none. */
function differentCounts(inFailed: readonly string[], inTarget: readonly string[]): KeyDifference {
  const more = Number(inFailed[0] ?? 0) - Number(inTarget[0] ?? 0);
  return { onlyFailed: Math.max(0, more), onlyTarget: Math.max(0, -more), both: 0 };
}
