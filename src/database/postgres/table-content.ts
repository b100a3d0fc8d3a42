import { z } from 'zod';
import type { TableContent } from '../database.ts';
import type { SqlSession } from './server.ts';
import { identifier, literal, qualified } from './sql-text.ts';

/** A table that holds rows of its own. */
export interface TableShape {
  readonly schema: string;
  readonly table: string;
  /** Sorted by name: inherited tables restore with another column order. Empty for a table without columns. */
  readonly columns: readonly string[];
  readonly sizeBytes: number;
}

const shapeRow = z.object({
  schema: z.string(),
  table: z.string(),
  columns: z.array(z.string()),
  sizeBytes: z.number(),
});

/**
 * Every ordinary table (partitions too; partitioned parents hold nothing) outside the system's schemas, sorted by
 * schema and name. Left out: temporary tables, and tables that belong to an extension, which CREATE EXTENSION
 * fills and which a dump holds in part at most.
 */
export async function listTables(session: SqlSession): Promise<readonly TableShape[]> {
  return session.query(
    `SELECT n.nspname AS "schema", c.relname AS "table",
            ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   ORDER BY a.attname::text COLLATE "C") AS "columns",
            coalesce(pg_catalog.pg_table_size(c.oid), 0) AS "sizeBytes"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${isUserSchema('n')} AND ${isNoMember('pg_class', 'c')}
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`,
    shapeRow,
  );
}

const contentRow = z.object({ rows: z.number(), digest: z.string() });

/**
 * Counts and digests one table's own rows (ONLY). The digest is a sum over rows, so their order does not matter;
 * `ROW(q."a", …)::text` instead of `q::text` because the latter reads a column named `q` where there is one.
 */
export async function readTableContent(
  session: SqlSession,
  shape: Omit<TableShape, 'sizeBytes'>,
): Promise<TableContent> {
  const columns = shape.columns.map((column) => `q.${identifier(column)}`).join(', ');
  const [content] = await session.query(
    `SELECT count(*) AS "rows",
            coalesce(sum(pg_catalog.hashtextextended(ROW(${columns})::text COLLATE "C", 0)::numeric), 0)::text AS "digest"
       FROM ONLY ${qualified(shape.schema, shape.table)} AS q`,
    contentRow,
  );
  if (content === undefined) throw new TypeError('an aggregate returned no row');
  return { schema: shape.schema, table: shape.table, rows: content.rows, digest: content.digest };
}

/** SQL: the namespace under this alias is not one of the system's (`pg_…` is reserved for them). */
export function isUserSchema(alias: string): string {
  return `(${alias}.nspname !~ '^pg_' AND ${alias}.nspname <> 'information_schema')`;
}

/** SQL: the object under this alias, a row of `catalog`, does not belong to an extension. */
export function isNoMember(catalog: string, alias: string): string {
  return `NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
            WHERE d.classid = ${literal(`pg_catalog.${catalog}`)}::regclass AND d.objid = ${alias}.oid AND d.deptype = 'e')`;
}
