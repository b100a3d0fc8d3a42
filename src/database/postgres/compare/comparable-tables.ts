import { z } from 'zod';
import { isNoMember, isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';

/** A table as far as its rows can be compared with those of its namesake in another database. */
export interface ComparableTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly ComparableColumn[];
  /** Column lists that identify a row, the primary key first, then the shortest. */
  readonly keys: readonly (readonly string[])[];
  readonly sizeBytes: number;
}

interface ComparableColumn {
  readonly name: string;
  /** Without length or precision: those do not change the text of a value. */
  readonly type: string;
  /** Follows from other columns. */
  readonly isGenerated: boolean;
}

const tableRow: z.ZodType<ComparableTable> = z.object({
  schema: z.string(),
  table: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), isGenerated: z.boolean() })),
  keys: z.array(z.array(z.string())),
  sizeBytes: z.number(),
});

/**
 * The tables of the session's database that `listTables` lists, without Prisma's history: that one differs by
 * nature. Keys are unique indexes over not-null columns that always hold (no condition, no expression, not deferred).
 */
export function listComparableTables(session: SqlSession): Promise<readonly ComparableTable[]> {
  return session.query(
    `SELECT n.nspname AS "schema", c.relname AS "table",
            coalesce(pg_catalog.pg_table_size(c.oid), 0) AS "sizeBytes",
            coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname,
                               'type', pg_catalog.format_type(a.atttypid, NULL), 'isGenerated', a.attgenerated <> '')
                             ORDER BY a.attname::text COLLATE "C")
                        FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS "columns",
            coalesce((SELECT pg_catalog.jsonb_agg(k.columns ORDER BY k.indisprimary DESC, k.size, k.indexrelid)
                        FROM (SELECT i.indexrelid, i.indisprimary, count(*) AS size,
                                     pg_catalog.jsonb_agg(a.attname ORDER BY p.place) AS columns
                                FROM pg_catalog.pg_index i,
                                     pg_catalog.unnest(i.indkey) WITH ORDINALITY AS p(attnum, place)
                                LEFT JOIN pg_catalog.pg_attribute a
                                  ON a.attrelid = c.oid AND a.attnum = p.attnum AND p.attnum > 0
                               WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
                                 AND i.indpred IS NULL AND i.indexprs IS NULL AND p.place <= i.indnkeyatts
                               GROUP BY i.indexrelid, i.indisprimary
                              HAVING bool_and(a.attnotnull)) AS k), '[]') AS "keys"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.relname <> '_prisma_migrations'
        AND ${isUserSchema('n')} AND ${isNoMember('pg_class', 'c')}
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`,
    tableRow,
  );
}

/** Columns that both tables have, by name and type, so that their values can be compared as text. */
export function commonColumns(a: ComparableTable, b: ComparableTable): readonly string[] {
  const others = new Map(b.columns.map((column) => [column.name, column]));
  return a.columns.flatMap((column) => {
    const other = others.get(column.name);
    if (other === undefined || other.type !== column.type || other.isGenerated || column.isGenerated)
      return [];
    return [column.name];
  });
}

/** Whether both tables have the very same columns. */
export function sameColumns(a: ComparableTable, b: ComparableTable): boolean {
  return JSON.stringify(a.columns) === JSON.stringify(b.columns);
}

/** A key that identifies rows in both tables and is made of `columns` alone; empty when there is none. */
export function commonKey(
  a: ComparableTable,
  b: ComparableTable,
  columns: readonly string[],
): readonly string[] {
  const inB = new Set(b.keys.map(keyName));
  return a.keys.find((key) => inB.has(keyName(key)) && key.every((name) => columns.includes(name))) ?? [];
}

function keyName(key: readonly string[]): string {
  return JSON.stringify(key.toSorted());
}
