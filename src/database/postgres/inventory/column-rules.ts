/**
 * How the inventory treats one column of a catalog. `compared`: its normal form, an SQL expression of type text over the
 * row `r`; `named`: part of the object's name; `left`: not compared, for a reason that a person can check.
 */
export type ColumnRule =
  | { readonly rule: 'compared'; readonly sql: (column: string, extension: string) => string }
  | { readonly rule: 'named' }
  | { readonly rule: 'left'; readonly because: string };

/** One catalog: what its rows are called, which of them count, and what becomes of every column. */
export interface CatalogEntry {
  /** A view of the system to read instead, where the catalog itself is closed to ordinary roles. */
  readonly from?: string;
  /** SQL (text): the kind of object, in words. */
  readonly kind: string;
  /** SQL (text): the object's name, unique within its kind; by names, never by OIDs or numbers of columns. */
  readonly name: string;
  /** SQL between FROM and WHERE: `JOIN relations rel …` for what hangs on a relation. */
  readonly joins: string;
  /** SQL condition: rows that count. */
  readonly rows: string;
  /** SQL (text): the extension that the object belongs to; null when to none. */
  readonly extension: string;
  /** Every column of every supported version. */
  readonly columns: Readonly<Record<string, ColumnRule>>;
  /** Facts that stand in other catalogs: SQL (text) by name. */
  readonly more?: Readonly<Record<string, string>>;
  /** Rows that initdb made can be altered by a superuser, and no dump tells: they are compared as one. */
  readonly hasSystemRows: boolean;
}

const compared = (sql: (column: string, extension: string) => string): ColumnRule => ({
  rule: 'compared',
  sql,
});

export const named: ColumnRule = { rule: 'named' };
export const left = (because: string): ColumnRule => ({ rule: 'left', because });
export const ownNumber = left('an OID: objects are compared by name');

/** The value as it is. */
export const value = compared((column) => `r.${column}::text`);
/** A list in which order means nothing: options. */
export const unordered = compared((column) => listOf(column, 'item'));
/** The digest of a list that may hold passwords. */
export const hidden = compared(
  (column) =>
    `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${listOf(column, 'item')}, 'UTF8')), 'hex')`,
);
export const role = compared((column) => `pg_catalog.pg_get_userbyid(r.${column})::text`);
/** 0 is PUBLIC; somebody who is named twice is named. */
export const roles = compared(
  (column) =>
    `(SELECT pg_catalog.string_agg(DISTINCT ${roleOrPublic('item')}, ', ' ORDER BY ${roleOrPublic('item')}) FROM pg_catalog.unnest(r.${column}) AS item)`,
);
export const relation = byOid('regclass');
export const collation = byOid('regcollation');
export const operator = byOid('regoperator');
export const type = compared((column) => typeName(`r.${column}`));
export const types = compared((column) => inOrder(column, typeName('part.item')));
export const routine = compared(
  (column) => `CASE WHEN r.${column}::oid <> 0 THEN r.${column}::oid::regprocedure::text END`,
);
/** Rows of another catalog, as PostgreSQL itself identifies them. */
export const object = (catalog: string): ColumnRule => compared((column) => identity(catalog, `r.${column}`));
export const objects = (catalog: string): ColumnRule =>
  compared((column) => inOrder(column, identity(catalog, 'part.item')));
export const collations = compared((column) => inOrder(column, named0('part.item', 'regcollation')));
export const numbers = compared((column) => inOrder(column, 'part.item::text'));
/** Numbers of columns of the relation in `of`, as names. */
export const columns = (of: string): ColumnRule =>
  compared((column) => {
    const name = `CASE part.item WHEN 0 THEN '(expression)' ELSE (SELECT pg_catalog.quote_ident(a.attname)
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.${of} AND a.attnum = part.item) END`;
    return inOrder(column, name, 'int2[]');
  });
/** Privileges, those that hold by default included: a restore writes some of them out and leaves others to the default. */
export const privileges = (objectKind: string, owner: string): ColumnRule =>
  compared((column) => aclText(`coalesce(r.${column}, pg_catalog.acldefault(${objectKind}, r.${owner}))`));
export const grants = compared((column) => aclText(`r.${column}`));
/**
 * An expression, `text` is its SQL. PostgreSQL prints some expressions differently after one restore, so those of users
 * are compared in the schema's text, which is a fixpoint. What an extension has made comes from the same script.
 */
export const expression = (text: string): ColumnRule =>
  compared(
    (column, extension) =>
      `CASE WHEN r.${column} IS NOT NULL THEN CASE WHEN ${extension} IS NULL THEN '(in the schema text)' ELSE ${text} END END`,
  );

function byOid(alias: string): ColumnRule {
  return compared((column) => named0(`r.${column}`, alias));
}

function named0(oid: string, alias: string): string {
  return `CASE WHEN ${oid} <> 0 THEN ${oid}::${alias}::text END`;
}

function typeName(oid: string): string {
  return `CASE WHEN ${oid} <> 0 THEN pg_catalog.format_type(${oid}, NULL) END`;
}

function roleOrPublic(oid: string): string {
  return `CASE ${oid} WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(${oid})) END`;
}

/** SQL: how PostgreSQL identifies a row of a catalog, by names. */
export function identity(catalog: string, oid: string): string {
  return `CASE WHEN ${oid} <> 0 THEN (pg_catalog.pg_identify_object('pg_catalog.${catalog}'::regclass, ${oid}, 0)).identity END`;
}

function listOf(column: string, item: string): string {
  return `(SELECT pg_catalog.string_agg(${item}, ', ' ORDER BY ${item} COLLATE "C") FROM pg_catalog.unnest(r.${column}) AS item)`;
}

function inOrder(column: string, item: string, array = 'oid[]'): string {
  return `(SELECT pg_catalog.string_agg(coalesce(${item}, '-'), ', ' ORDER BY part.place)
     FROM pg_catalog.unnest(r.${column}::${array}) WITH ORDINALITY AS part(item, place))`;
}

function aclText(acl: string): string {
  return `(SELECT pg_catalog.string_agg(item::text, ' ' ORDER BY item::text COLLATE "C") FROM pg_catalog.unnest(${acl}) AS item)`;
}
