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

const contentRow: z.ZodType<TableContent> = z.object({
  schema: z.string(),
  table: z.string(),
  rows: z.number(),
  digest: z.string(),
});

/** What is read of a table. */
type ReadableTable = Omit<TableShape, 'sizeBytes'>;

/** Counts and digests one table's own rows. */
export async function readTableContent(session: SqlSession, shape: ReadableTable): Promise<TableContent> {
  const [content] = await readTableContents(session, [shape]);
  if (content === undefined) throw new TypeError('an aggregate returned no row');
  return content;
}

/** The same for several tables in one statement, in their order: one way to the server instead of many. */
export async function readTableContents(
  session: SqlSession,
  shapes: readonly ReadableTable[],
): Promise<readonly TableContent[]> {
  const selects = shapes.map((shape, place) => contentSql(shape, place));
  return session.query(`${selects.join('\nUNION ALL ')}\nORDER BY "place"`, contentRow);
}

/**
 * ONLY: what inherits is read by itself. The digest is a sum over rows, so their order does not matter;
 * `ROW(q."a", …)::text` instead of `q::text` because the latter reads a column named `q` where there is one.
 */
function contentSql({ schema, table, columns }: ReadableTable, place: number): string {
  const row = columns.map((column) => `q.${identifier(column)}`).join(', ');
  return `SELECT ${place} AS "place", ${literal(schema)} AS "schema", ${literal(table)} AS "table", count(*) AS "rows",
            coalesce(sum(pg_catalog.hashtextextended(ROW(${row})::text COLLATE "C", 0)::numeric), 0)::text AS "digest"
       FROM ONLY ${qualified(schema, table)} AS q`;
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
