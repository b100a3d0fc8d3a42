import { extensionOf, firstUserOid, inSchema, standing } from './catalog-entries.ts';
import {
  type CatalogEntry,
  collation,
  expression,
  left,
  named,
  object,
  ownNumber,
  privileges,
  relation,
  role,
  routine,
  type,
  value,
} from './column-rules.ts';

/** Rows of tables and arrays have types of their own, which follow them but for their privileges. */
const ownTypes = `(r.typacl IS NOT NULL
    OR NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = r.oid)
       AND (r.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.typrelid AND c.relkind = 'c')))`;

/** A type that is not a session's own. */
const isLasting = (type: string): string =>
  `NOT EXISTS (SELECT FROM pg_catalog.pg_type t JOIN temp_schemas s ON s.oid = t.typnamespace WHERE t.oid = ${type})`;

/** Types and what converts between them. */
export const typeCatalogs: Readonly<Record<string, CatalogEntry>> = {
  pg_type: inSchema('pg_type', 'typnamespace', {
    kind: `CASE r.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' ELSE 'type' END`,
    name: 'pg_catalog.format_type(r.oid, NULL)',
    rows: `r.oid >= ${firstUserOid} AND r.typnamespace NOT IN (SELECT oid FROM temp_schemas) AND r.typnamespace <> 'pg_toast'::regnamespace AND ${ownTypes}`,
    columns: {
      oid: ownNumber,
      typname: named,
      typnamespace: named,
      typowner: role,
      typlen: value,
      typbyval: value,
      typtype: value,
      typcategory: value,
      typispreferred: value,
      typisdefined: value,
      typdelim: value,
      typrelid: relation,
      typsubscript: routine,
      typelem: type,
      typarray: type,
      typinput: routine,
      typoutput: routine,
      typreceive: routine,
      typsend: routine,
      typmodin: routine,
      typmodout: routine,
      typanalyze: routine,
      typalign: value,
      typstorage: value,
      typnotnull: value,
      typbasetype: {
        rule: 'compared',
        sql: () => 'CASE WHEN r.typbasetype <> 0 THEN pg_catalog.format_type(r.typbasetype, r.typtypmod) END',
      },
      typtypmod: value,
      typndims: left(
        'what was written between the brackets of an array; PostgreSQL does not use it and no dump has it',
      ),
      typcollation: collation,
      typdefaultbin: expression('pg_catalog.pg_get_expr(r.typdefaultbin, 0)'),
      typdefault: expression('r.typdefault'),
      typacl: privileges(`'T'`, 'typowner'),
    },
  }),
  pg_enum: standing('pg_enum', {
    kind: `'enum value'`,
    name: `pg_catalog.format_type(r.enumtypid, NULL) || ' ' || pg_catalog.quote_literal(r.enumlabel)`,
    rows: `r.oid >= ${firstUserOid} AND ${isLasting('r.enumtypid')}`,
    extension: extensionOf('pg_type', 'r.enumtypid'),
    columns: {
      oid: ownNumber,
      enumtypid: named,
      enumlabel: named,
      enumsortorder: {
        rule: 'compared',
        sql: () =>
          `(SELECT count(*) FROM pg_catalog.pg_enum o WHERE o.enumtypid = r.enumtypid AND o.enumsortorder <= r.enumsortorder)::text`,
      },
    },
    hasSystemRows: false,
  }),
  pg_range: {
    kind: `'range definition'`,
    name: 'pg_catalog.format_type(r.rngtypid, NULL)',
    joins: '',
    rows: `r.rngtypid >= ${firstUserOid} AND ${isLasting('r.rngtypid')}`,
    extension: extensionOf('pg_type', 'r.rngtypid'),
    columns: {
      rngtypid: named,
      rngsubtype: type,
      rngmultitypid: type,
      rngcollation: collation,
      rngsubopc: object('pg_opclass'),
      rngcanonical: routine,
      rngsubdiff: routine,
    },
    hasSystemRows: false,
  },
  pg_collation: inSchema('pg_collation', 'collnamespace', {
    kind: `'collation'`,
    name: 'r.oid::regcollation::text',
    columns: {
      oid: ownNumber,
      collname: named,
      collnamespace: named,
      collowner: role,
      collprovider: value,
      collisdeterministic: value,
      collencoding: left(
        'which encoding it is for; all of a database have one, and a copied one is made for any',
      ),
      collcollate: value,
      collctype: value,
      colliculocale: value,
      colllocale: value,
      collicurules: value,
      collversion: left(
        'a copy records the version that the server has now; the recorded and the actual one of the target are compared with each other',
      ),
    },
  }),
  pg_conversion: inSchema('pg_conversion', 'connamespace', {
    kind: `'conversion'`,
    name: `pg_catalog.format('%I.%I', r.connamespace::regnamespace::text, r.conname)`,
    columns: {
      oid: ownNumber,
      conname: named,
      connamespace: named,
      conowner: role,
      conforencoding: value,
      contoencoding: value,
      conproc: routine,
      condefault: value,
    },
  }),
  pg_cast: standing('pg_cast', {
    kind: `'cast'`,
    name: `pg_catalog.format_type(r.castsource, NULL) || ' AS ' || pg_catalog.format_type(r.casttarget, NULL)`,
    columns: {
      oid: ownNumber,
      castsource: named,
      casttarget: named,
      castfunc: routine,
      castcontext: value,
      castmethod: value,
    },
  }),
  pg_transform: standing('pg_transform', {
    kind: `'transform'`,
    name: `pg_catalog.format_type(r.trftype, NULL) || ' for ' || (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = r.trflang)`,
    columns: { oid: ownNumber, trftype: named, trflang: named, trffromsql: routine, trftosql: routine },
  }),
};
