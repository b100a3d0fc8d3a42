import { z } from 'zod';
import { tableKey } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';

const leafRow = z.object({ schema: z.string(), table: z.string(), root: z.string() });

/**
 * The root of every partition into which rows are put by the hash of something whose hash depends on OIDs (an enum, and what
 * is made of other types), by `tableKey`. After a restore such rows lie in other partitions, and the whole is the same.
 */
export async function readPartitionRoots(session: SqlSession): Promise<ReadonlyMap<string, string>> {
  const leaves = await session.query(
    `WITH RECURSIVE tree AS (
       SELECT c.oid AS root, c.oid FROM pg_catalog.pg_class c
         WHERE c.relkind = 'p' AND NOT c.relispartition AND c.relpersistence <> 't'
       UNION ALL SELECT tree.root, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)
     SELECT n.nspname AS "schema", c.relname AS "table", tree.root::regclass::text AS "root"
       FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid AND c.relkind = 'r'
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE EXISTS (SELECT FROM tree above JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = above.oid
         WHERE above.root = tree.root AND p.partstrat = 'h'
           AND (0 = ANY (p.partattrs::int2[])
             OR EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                         WHERE a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])
                           AND (t.typtype <> 'b' OR t.typelem <> 0))))`,
    leafRow,
  );
  return new Map(leaves.map((leaf) => [tableKey(leaf), leaf.root]));
}
