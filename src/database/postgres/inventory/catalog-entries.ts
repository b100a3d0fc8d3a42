import type { CatalogEntry } from './column-rules.ts';

/** OIDs below belong to what initdb made. */
export const firstUserOid = 16_384;

const ofUsers = `r.oid >= ${firstUserOid}`;

/** SQL (text): the extension that an object of this catalog belongs to, by default row `r` itself, by the CTE `members`. */
export const extensionOf = (catalog: string, oid = 'r.oid'): string =>
  `(SELECT m.extension FROM members m WHERE m.class = 'pg_catalog.${catalog}'::regclass AND m.object = ${oid})`;

/** A catalog whose rows stand in a schema, which may be a session's temporary one. */
export function inSchema(
  catalog: string,
  schemaColumn: string,
  entry: Pick<CatalogEntry, 'kind' | 'name' | 'columns'> & Partial<CatalogEntry>,
): CatalogEntry {
  return {
    joins: '',
    rows: `${ofUsers} AND r.${schemaColumn} NOT IN (SELECT oid FROM temp_schemas)`,
    extension: extensionOf(catalog),
    hasSystemRows: true,
    ...entry,
  };
}

/** A catalog whose rows stand for themselves. */
export function standing(
  catalog: string,
  entry: Pick<CatalogEntry, 'kind' | 'name' | 'columns'> & Partial<CatalogEntry>,
): CatalogEntry {
  return { joins: '', rows: ofUsers, extension: extensionOf(catalog), hasSystemRows: true, ...entry };
}

/** A catalog whose rows belong to a relation, named by `relationColumn`; the CTE `relations` holds those that count. */
export function ofRelation(
  relationColumn: string,
  entry: Pick<CatalogEntry, 'kind' | 'name' | 'columns'> & Partial<CatalogEntry>,
): CatalogEntry {
  return {
    joins: `JOIN relations rel ON rel.oid = r.${relationColumn}`,
    rows: 'true',
    extension: 'rel.extension',
    hasSystemRows: false,
    ...entry,
  };
}
