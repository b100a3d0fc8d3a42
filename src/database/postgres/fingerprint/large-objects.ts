import { z } from 'zod';
import type { SqlSession } from '../server/server.ts';

/** Bytes that one lo_get reads; the server never holds more of an object in memory at once. */
const chunkBytes = 1024 * 1024;

interface LargeObjectSum {
  readonly count: number;
  /** Sum over objects and chunks; sums of disjoint slices add up to the whole's. */
  readonly sum: bigint;
}

const sumRow = z.object({ count: z.number(), sum: z.string() });

/**
 * Counts and digests the large objects of one slice (oid modulo `slices`): content in chunks, number, owner and
 * ACL. pg_largeobject itself is readable by superusers only, hence lo_get.
 */
export async function readLargeObjects(
  session: SqlSession,
  slice: number,
  slices: number,
): Promise<LargeObjectSum> {
  const [row] = await session.query(
    `SELECT count(*) FILTER (WHERE content.n = 0) AS "count",
            coalesce(sum(pg_catalog.hashtextextended(
              pg_catalog.concat_ws(':', m.oid, content.n, content.hash,
                CASE WHEN content.n = 0 THEN pg_catalog.concat_ws(':', m.lomowner::regrole,
                  (SELECT string_agg(item::text, ',' ORDER BY item::text COLLATE "C")
                     FROM unnest(coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) AS item)) END
              ) COLLATE "C", 0)::numeric), 0)::text AS "sum"
       FROM pg_catalog.pg_largeobject_metadata m
      CROSS JOIN LATERAL (
        WITH RECURSIVE chunk(n, hash, length) AS (
          SELECT 0, pg_catalog.sha256(data), pg_catalog.length(data)
            FROM pg_catalog.lo_get(m.oid, 0, ${chunkBytes}) AS data
          UNION ALL
          SELECT chunk.n + 1, pg_catalog.sha256(data), pg_catalog.length(data)
            FROM chunk CROSS JOIN LATERAL pg_catalog.lo_get(m.oid, (chunk.n + 1)::bigint * ${chunkBytes}, ${chunkBytes}) AS data
           WHERE chunk.length = ${chunkBytes})
        SELECT n, hash FROM chunk) AS content
      WHERE m.oid::bigint % ${slices} = ${slice}`,
    sumRow,
  );
  if (row === undefined) throw new TypeError('an aggregate returned no row');
  return { count: row.count, sum: BigInt(row.sum) };
}
