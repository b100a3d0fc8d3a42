import { literal } from '../../sql-text.ts';
import { firstUserOid } from './catalog-entries.ts';
import { catalogs } from './catalogs.ts';
import type { CatalogEntry } from './column-rules.ts';

/** Names of columns by catalog, as a server has them. */
type CatalogColumns = ReadonlyMap<string, ReadonlySet<string>>;

/** SQL that tells the columns of every catalog: rows `catalog`, `columns`. */
export const catalogColumnsSql = `
  SELECT c.relname::text AS "catalog", pg_catalog.array_agg(a.attname::text ORDER BY a.attnum) AS "columns"
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' GROUP BY c.relname`;

/**
 * SQL that lists every object of the database: rows `kind`, `name`, `extension`, `facts` (a JSON object, by the name of the column).
 * Facts that are empty, false or 0 are left out. A fact of the system's own rows, which are many, is their digest.
 */
export function inventorySql(existing: CatalogColumns): string {
  const parts = Object.entries(catalogs).flatMap(([catalog, entry]) => {
    const columns = existing.get(catalog);
    if (columns === undefined) return [];
    const selects = [objectsSql(catalog, entry, columns)];
    if (entry.hasSystemRows) selects.push(systemRowsSql(catalog, entry, columns));
    return selects;
  });
  return `WITH ${commonTables} ${[...parts, invalidIndexes].join('\nUNION ALL\n')}`;
}

/**
 * `members`: what belongs to an extension itself. `relations`: those whose rows and facts count, with the extension that
 * they, or the table of an index, belong to. Not TOAST tables, which have an OID in their name, nor indexes that are not
 * valid: a dump leaves those out, and they answer nothing.
 */
const commonTables = `
  temp_schemas AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_[0-9]+$'),
  members AS MATERIALIZED (
    SELECT d.classid AS class, d.objid AS object, e.extname::text AS extension FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'),
  relations AS MATERIALIZED (
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind AS kind, m.extension
      FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
      LEFT JOIN members m ON m.class = 'pg_catalog.pg_class'::regclass AND m.object = coalesce(i.indrelid, c.oid)
     WHERE c.oid >= ${firstUserOid} AND c.relkind <> 't' AND c.relpersistence <> 't'
       AND c.relnamespace NOT IN (SELECT oid FROM temp_schemas UNION ALL SELECT 'pg_toast'::regnamespace)
       AND (i.indexrelid IS NULL OR i.indisvalid OR c.relkind = 'I'))`;

/** A dump leaves them out: what CREATE INDEX CONCURRENTLY left behind, for one. */
const invalidIndexes = `
  SELECT 'invalid index', i.indexrelid::regclass::text, NULL::text, '{}'::jsonb
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN relations rel ON rel.oid = i.indrelid WHERE NOT i.indisvalid AND c.relkind = 'i'`;

function objectsSql(catalog: string, entry: CatalogEntry, existing: ReadonlySet<string>): string {
  const facts: string[] = [];
  for (const [column, rule] of Object.entries(entry.columns)) {
    if (rule.rule !== 'compared' || !existing.has(column)) continue;
    facts.push(factSql(column, rule.sql(column, entry.extension)));
  }
  for (const [fact, sql] of Object.entries(entry.more ?? {})) facts.push(factSql(fact, sql));
  return `SELECT ${entry.kind} AS "kind", (${entry.name})::text AS "name", ${entry.extension} AS "extension",
       pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(${facts.join(', ')})) AS "facts"
  FROM pg_catalog.${entry.from ?? catalog} r ${entry.joins} WHERE ${entry.rows}`;
}

function factSql(name: string, sql: string): string {
  return `${literal(name)}, nullif(nullif(nullif((${sql})::text, ''), 'false'), '0')`;
}

/** One row for all that initdb made. Their privileges are left out: a dump restores those that were changed. */
function systemRowsSql(catalog: string, entry: CatalogEntry, existing: ReadonlySet<string>): string {
  const oid = existing.has('oid') ? 'oid' : 'objoid';
  const columns = Object.entries(entry.columns)
    .filter(([column, rule]) => rule.rule !== 'left' && existing.has(column) && !/acl$/.test(column))
    .map(([column]) => `r.${column}`);
  const row = `pg_catalog.hashtextextended(ROW(r.${oid}, ${columns.join(', ')})::text, 0)::numeric`;
  return `SELECT 'system rows', ${literal(catalog)}, NULL::text,
       pg_catalog.jsonb_build_object('digest', coalesce(pg_catalog.sum(${row}), 0)::text)
  FROM pg_catalog.${catalog} r WHERE r.${oid} < ${firstUserOid}${catalog === 'pg_namespace' ? ` AND r.nspname <> 'public'` : ''}`;
}
