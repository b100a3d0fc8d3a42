import { standing } from './catalog-entries.ts';
import { type CatalogEntry, grants, left, named, ownNumber, value } from './column-rules.ts';

/** SQL: the object of a row with classoid, objoid and objsubid, as PostgreSQL identifies it. */
const identified = (classId: string, objectId: string, subId: string): string =>
  `(SELECT o.type || ' ' || o.identity FROM pg_catalog.pg_identify_object(r.${classId}, r.${objectId}, r.${subId}) AS o)`;

/** Objects of other sessions' temporary schemas come and go. */
const isLasting = (name: string): string => `coalesce(${name} !~ 'pg_(toast_)?temp_[0-9]+[.]', false)`;

const described = identified('objoid', 'classoid', 'objsubid').replace(
  'r.objoid, r.classoid',
  'r.classoid, r.objoid',
);
const member = identified('classid', 'objid', 'objsubid');
const labelled = described;
const compared = (sql: string) => ({ rule: 'compared', sql: () => sql }) as const;

/** What is said of objects from outside: extensions and their members, comments, labels, default privileges. */
export const belongings: Readonly<Record<string, CatalogEntry>> = {
  pg_extension: standing('pg_extension', {
    kind: `'extension'`,
    name: 'pg_catalog.quote_ident(r.extname)',
    // plpgsql too, which initdb makes.
    rows: 'true',
    extension: 'NULL::text',
    columns: {
      oid: ownNumber,
      extname: named,
      extowner: left('compared with the extensions of the fingerprint, which are made by their owners'),
      extnamespace: left('compared with the extensions of the fingerprint'),
      extrelocatable: value,
      extversion: left('compared with the extensions of the fingerprint'),
      extconfig:
        compared(`(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', t.item::regclass::text, r.extcondition[t.place]), '; ' ORDER BY t.item::regclass::text COLLATE "C")
        FROM pg_catalog.unnest(r.extconfig) WITH ORDINALITY AS t(item, place))`),
      extcondition: left('printed with the tables'),
    },
    hasSystemRows: false,
  }),
  pg_depend: {
    kind: `CASE r.deptype WHEN 'e' THEN 'member of extension' ELSE 'dependency on extension' END`,
    name: `(SELECT pg_catalog.quote_ident(e.extname) FROM pg_catalog.pg_extension e WHERE e.oid = r.refobjid) || ': ' || ${member}`,
    joins: '',
    // All the others follow from what they connect.
    rows: `r.deptype IN ('e', 'x') AND r.refclassid = 'pg_catalog.pg_extension'::regclass`,
    extension: 'NULL::text',
    columns: {
      classid: named,
      objid: named,
      objsubid: named,
      refclassid: named,
      refobjid: named,
      refobjsubid: left('extensions have no parts'),
      deptype: named,
    },
    hasSystemRows: false,
  },
  pg_description: {
    kind: `'comment'`,
    name: described,
    joins: '',
    rows: `(r.objoid >= 16384 OR r.objoid = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public') OR r.classoid = 'pg_catalog.pg_extension'::regclass) AND ${isLasting(described)}`,
    extension: 'NULL::text',
    columns: { objoid: named, classoid: named, objsubid: named, description: value },
    hasSystemRows: true,
  },
  pg_seclabel: {
    kind: `'security label'`,
    name: `r.provider || ': ' || ${labelled}`,
    joins: '',
    rows: isLasting(labelled),
    extension: 'NULL::text',
    columns: { objoid: named, classoid: named, objsubid: named, provider: named, label: value },
    hasSystemRows: false,
  },
  pg_default_acl: standing('pg_default_acl', {
    kind: `'default privileges'`,
    name: `pg_catalog.concat_ws(' ', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.defaclrole)), r.defaclobjtype, CASE WHEN r.defaclnamespace <> 0 THEN r.defaclnamespace::regnamespace::text END)`,
    extension: 'NULL::text',
    columns: {
      oid: ownNumber,
      defaclrole: named,
      defaclnamespace: named,
      defaclobjtype: named,
      defaclacl: grants,
    },
    hasSystemRows: false,
  }),
  pg_init_privs: {
    kind: `'initial privileges'`,
    name: `''`,
    joins: '',
    rows: 'false',
    extension: 'NULL::text',
    columns: {
      objoid: left(
        'what a script of an extension has granted at first; the privileges themselves are compared',
      ),
      classoid: left('as objoid'),
      objsubid: left('as objoid'),
      privtype: left('as objoid'),
      initprivs: left('as objoid'),
    },
    hasSystemRows: false,
  },
};
