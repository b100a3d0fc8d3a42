import { z } from 'zod';
import type { TableContent } from '../../database.ts';
import { type DigestForm, markedDigest } from '../../row-digest.ts';
import { identifier, literal, qualified } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

/** A table or materialized view that holds rows of its own. */
export interface TableShape {
  readonly schema: string;
  readonly table: string;
  /** Sorted by name: inherited tables restore with another column order. Empty for a table without columns. */
  readonly columns: readonly string[];
  readonly sizeBytes: number;
  /** The extension that it belongs to. */
  readonly extension: string | null;
}

const shapeRow = z.object({
  schema: z.string(),
  table: z.string(),
  columns: z.array(z.string()),
  sizeBytes: z.number(),
  extension: z.string().nullable(),
});

/**
 * Every ordinary table (partitions too; partitioned parents hold nothing) outside the system's schemas, sorted by
 * schema and name. Those of extensions as well: CREATE EXTENSION fills them, a dump holds them in part at most, and
 * whatever else is in them would be lost without a word. Left out: temporary tables, and of extensions those that are unlogged
 * (queues, caches) or that the role may not read.
 */
export function listTables(session: SqlSession): Promise<readonly TableShape[]> {
  return listShapes(session, `c.relkind = 'r'`);
}

/** Materialized views that hold rows and can be read. */
export function listFilledViews(session: SqlSession): Promise<readonly TableShape[]> {
  return listShapes(session, `c.relkind = 'm' AND c.relispopulated AND ${isReadable}`);
}

const isReadable = `(pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT'))`;

function listShapes(session: SqlSession, condition: string): Promise<readonly TableShape[]> {
  return session.query(
    `SELECT n.nspname AS "schema", c.relname AS "table",
            ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   ORDER BY a.attname::text COLLATE "C") AS "columns",
            coalesce(pg_catalog.pg_table_size(c.oid), 0) AS "sizeBytes", e.extname::text AS "extension"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ${extensionOf('c')}
      WHERE ${condition} AND c.relpersistence <> 't' AND ${isUserSchema('n')}
        AND (e.oid IS NULL OR c.relpersistence <> 'u' AND ${isReadable})
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`,
    shapeRow,
  );
}

const contentRow: z.ZodType<TableContent> = z.object({
  schema: z.string(),
  table: z.string(),
  rows: z.number(),
  digest: z.string(),
  extension: z.string().nullable(),
});

/** What is read of a table. */
type ReadableTable = Omit<TableShape, 'sizeBytes'>;

/** Counts and digests one table's own rows. */
export async function readTableContent(
  session: SqlSession,
  shape: ReadableTable,
  form: DigestForm,
): Promise<TableContent> {
  const [content] = await readTableContents(session, [shape], form);
  if (content === undefined) throw new TypeError('an aggregate returned no row');
  return content;
}

/** The same for several tables in one statement, in their order: one way to the server instead of many. */
export async function readTableContents(
  session: SqlSession,
  shapes: readonly ReadableTable[],
  form: DigestForm,
): Promise<readonly TableContent[]> {
  const selects = shapes.map((shape, place) => contentSql(shape, place, form));
  const contents = await session.query(`${selects.join('\nUNION ALL ')}\nORDER BY "place"`, contentRow);
  return contents.map((content) => ({ ...content, digest: markedDigest(form, content.digest) }));
}

/** concat() takes a hundred arguments, and a column gives it two. */
const columnsInConcat = 50;

/**
 * SQL: a number for the row under the alias `q`, made of what the output functions of its types write, and never of a cast,
 * which a user may have defined. By columns: the hash of each value, and `t` or `f` for whether it is NULL, so that no two
 * rows are written alike; no long text is copied or searched for quotes on the way. By row: `ROW(q."a", …)::text` instead of
 * `q::text`, because the latter reads a column named `q` where there is one.
 */
function rowHash(columns: readonly string[], form: DigestForm): string {
  const values = columns.map((column) => `q.${identifier(column)}`);
  if (form === 'row') return textHash(`ROW(${values.join(', ')})::text`);
  const marked = values.map((value) => `${textHash(`pg_catalog.concat(${value})`)}, ${value} IS NULL`);
  const parts: string[] = [];
  for (let at = 0; at < marked.length; at += columnsInConcat) {
    parts.push(`pg_catalog.concat(${marked.slice(at, at + columnsInConcat).join(', ')})`);
  }
  return textHash(parts.length === 0 ? "''" : parts.join(' || '));
}

function textHash(text: string): string {
  return `pg_catalog.hashtextextended((${text}) COLLATE "C", 0)`;
}

/** ONLY: what inherits is read by itself. The digest is a sum over rows, so their order does not matter. */
function contentSql(
  { schema, table, columns, extension }: ReadableTable,
  place: number,
  form: DigestForm,
): string {
  return `SELECT ${place} AS "place", ${literal(schema)} AS "schema", ${literal(table)} AS "table",
            ${extension === null ? 'NULL' : literal(extension)}::text AS "extension", count(*) AS "rows",
            coalesce(sum(${rowHash(columns, form)}::numeric), 0)::text AS "digest"
       FROM ONLY ${qualified(schema, table)} AS q`;
}

/** Unambiguous key of a table in a Map. */
export function tableKey(table: { readonly schema: string; readonly table: string }): string {
  return JSON.stringify([table.schema, table.table]);
}

/** SQL: the namespace under this alias is not one of the system's (`pg_…` is reserved for them). */
export function isUserSchema(alias: string): string {
  return `(${alias}.nspname !~ '^pg_' AND ${alias}.nspname <> 'information_schema')`;
}

/** SQL that joins the extension, as `e`, to which the relation under this alias belongs. */
export function extensionOf(alias: string): string {
  return `LEFT JOIN pg_catalog.pg_depend member ON member.classid = 'pg_catalog.pg_class'::regclass AND member.objid = ${alias}.oid
         AND member.deptype = 'e' AND member.refclassid = 'pg_catalog.pg_extension'::regclass
       LEFT JOIN pg_catalog.pg_extension e ON e.oid = member.refobjid`;
}

/** SQL: the object under this alias, a row of `catalog`, does not belong to an extension. */
export function isNoMember(catalog: string, alias: string): string {
  return `NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
            WHERE d.classid = ${literal(`pg_catalog.${catalog}`)}::regclass AND d.objid = ${alias}.oid AND d.deptype = 'e')`;
}
