import { z } from 'zod';
import { identifier, qualified } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

/** Rows of one table in one database, as two 64-bit hashes each: of the key, and of the values that count. */
export interface HashedRows {
  readonly schema: string;
  readonly table: string;
  /** Columns that identify a row; without any, the row is its own key. */
  readonly key: readonly string[];
  /** Columns that are compared. */
  readonly columns: readonly string[];
  /** SQL condition on `q` for the rows that count; null for all. */
  readonly only: string | null;
}

/** Hashes share a bucket when their first `bits` are the same. */
export interface Bucket {
  readonly bucket: string;
  readonly rows: number;
  readonly digest: string;
}

const rowsPerBucket = 500;
const mostBits = 14;
const hashBits = 64;

/** How many bits make buckets of some hundred rows; at most 16 384 buckets. */
export function bucketBits(rows: number): number {
  return Math.min(mostBits, Math.max(1, Math.ceil(Math.log2(Math.max(1, rows) / rowsPerBucket))));
}

const bucketRow: z.ZodType<Bucket> = z.object({ bucket: z.string(), rows: z.number(), digest: z.string() });

/** Counts and digests the rows bucket by bucket, in one pass over the table. */
export function readBuckets(session: SqlSession, rows: HashedRows, bits: number): Promise<readonly Bucket[]> {
  return session.query(
    `SELECT (h.key >> ${hashBits - bits})::text AS "bucket", count(*) AS "rows", sum(h.row::numeric)::text AS "digest"
       FROM (${hashesSql(rows)}) AS h GROUP BY 1`,
    bucketRow,
  );
}

/**
 * SQL that lists the rows of the named buckets (all of them when null), ordered by the key's hash: key hash and row
 * hash, or row hash and number of equal rows when there is no key.
 */
export function sortedHashesSql(rows: HashedRows, bits: number, buckets: readonly string[] | null): string {
  const chosen =
    buckets === null
      ? ''
      : `WHERE h.key >> ${hashBits - bits} IN (SELECT pg_catalog.unnest('{${buckets.join(',')}}'::bigint[]))`;
  const list = `FROM (${hashesSql(rows)}) AS h ${chosen}`;
  return rows.key.length === 0
    ? `SELECT h.key, count(*) ${list} GROUP BY h.key ORDER BY h.key`
    : `SELECT h.key, h.row ${list} ORDER BY h.key, h.row`;
}

const keyRow = z.object({ key: z.array(z.string()) });

/** The keys behind these hashes (any rows' when null), each as a JSON array of text; `limit` of them, in key order. */
export async function readKeys(
  session: SqlSession,
  rows: HashedRows,
  hashes: readonly string[] | null,
  limit: number,
): Promise<readonly string[]> {
  if (rows.key.length === 0 || hashes?.length === 0) return [];
  // format() asks the type's output function, as ROW(…)::text does; `::text` would run a cast that anybody who owns the
  // type can define, with our rights.
  const texts = rows.key.map((name) => `pg_catalog.format('%s', q.${identifier(name)})`).join(', ');
  const chosen = hashes === null ? 'true' : `${hashOf(rows.key)} = ANY ('{${hashes.join(',')}}'::bigint[])`;
  const found = await session.query(
    `SELECT ARRAY[${texts}] AS "key" FROM ${from(rows)} AND ${chosen}
      ORDER BY ${rows.key.map((name) => `q.${identifier(name)}`).join(', ')} LIMIT ${limit}`,
    keyRow,
  );
  return found.map(({ key }) => JSON.stringify(key));
}

/** Number of the rows that count. */
export async function countRows(session: SqlSession, rows: HashedRows): Promise<number> {
  const [row] = await session.query(
    `SELECT count(*) AS "rows" FROM ${from(rows)}`,
    z.object({ rows: z.number() }),
  );
  return row?.rows ?? 0;
}

function hashesSql(rows: HashedRows): string {
  const key = hashOf(rows.key.length === 0 ? rows.columns : rows.key);
  return `SELECT ${key} AS key, ${hashOf(rows.columns)} AS row FROM ${from(rows)}`;
}

function from(rows: HashedRows): string {
  return `ONLY ${qualified(rows.schema, rows.table)} AS q WHERE ${rows.only ?? 'true'}`;
}

/** ROW(…)::text and not q::text: that would read a column named `q` in a table that has one. */
function hashOf(columns: readonly string[]): string {
  const row = columns.map((name) => `q.${identifier(name)}`).join(', ');
  return `pg_catalog.hashtextextended(ROW(${row})::text COLLATE "C", 0)`;
}
