import { z } from 'zod';
import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

/**
 * Catalogs that change without any DDL: what ANALYZE writes, the contents of large objects, the state of
 * replication. Some of them ordinary roles could not read anyway.
 */
const notDefinitions = [
  'pg_statistic',
  'pg_statistic_ext_data',
  'pg_subscription_rel',
  'pg_largeobject',
  // lo_create() and lo_unlink() are the application's data; its privileges are looked at below.
  'pg_largeobject_metadata',
  // Follows the other catalogs, temporary objects included; the kinds that stand alone are looked at below.
  'pg_depend',
  // Readable in part only, and without xmin; looked at below through what is readable.
  'pg_subscription',
  'pg_user_mapping',
] as const;

/** SQL conditions that keep rows of temporary objects out, per catalog: applications make and drop those all day. */
const lasting: Readonly<Record<string, string>> = {
  pg_namespace: 'oid NOT IN (SELECT oid FROM temp_schemas)',
  pg_class: 'relnamespace NOT IN (SELECT oid FROM temp_schemas)',
  pg_type: 'typnamespace NOT IN (SELECT oid FROM temp_schemas)',
  pg_proc: 'pronamespace NOT IN (SELECT oid FROM temp_schemas)',
  pg_constraint: 'connamespace NOT IN (SELECT oid FROM temp_schemas)',
  pg_operator: 'oprnamespace NOT IN (SELECT oid FROM temp_schemas)',
  pg_collation: 'collnamespace NOT IN (SELECT oid FROM temp_schemas)',
  pg_attribute: 'attrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_attrdef: 'adrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_index: 'indexrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_inherits: 'inhrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_partitioned_table: 'partrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_policy: 'polrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_rewrite: 'ev_class NOT IN (SELECT oid FROM temp_relations)',
  pg_sequence: 'seqrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_statistic_ext: 'stxrelid NOT IN (SELECT oid FROM temp_relations)',
  pg_trigger: 'tgrelid NOT IN (SELECT oid FROM temp_relations)',
  // A range type brings a cast to its multirange along.
  pg_cast: 'castsource NOT IN (SELECT oid FROM temp_types)',
  pg_enum: 'enumtypid NOT IN (SELECT oid FROM temp_types)',
  pg_range: 'rngtypid NOT IN (SELECT oid FROM temp_types)',
  // One number space for all catalogs would be needed to compare objoid alone; a chance hit of a temporary
  // table's OID in another catalog would only hide a comment.
  pg_description: 'NOT EXISTS (SELECT FROM temp_objects t WHERE t.classid = classoid AND t.oid = objoid)',
};

/**
 * What hangs on the target but is not a row of a local catalog that everybody can read, as `SELECT text`.
 * The properties of the database come back with a swap, so a change to them has to be noticed. Without
 * default_transaction_read_only: that is the write fence, which this run itself may raise.
 */
const byValue: readonly string[] = [
  `SELECT format('database %s %s %s %s', d.datdba, d.dattablespace, d.datconnlimit, d.datacl)
     FROM pg_catalog.pg_database d WHERE d.oid = (SELECT oid FROM this_database)`,
  `SELECT 'database comment ' || pg_catalog.shobj_description(oid, 'pg_database') FROM this_database`,
  `SELECT format('setting %s %L', s.setrole, item.setting)
     FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) AS item(setting)
    WHERE s.setdatabase = (SELECT oid FROM this_database)
      AND item.setting NOT LIKE 'default\\_transaction\\_read\\_only=%'`,
  // Its xmin cannot be selected: readable columns only. Without oid, which servers hid before 14.
  `SELECT format('subscription %L %s %s %L %s', subname, subowner, subenabled, subslotname, subpublications)
     FROM pg_catalog.pg_subscription WHERE subdbid = (SELECT oid FROM this_database)`,
  // The options are null for who may not see them.
  `SELECT format('user mapping %s %s %s %L', umid, srvid, umuser, umoptions) FROM pg_catalog.pg_user_mappings`,
  // Memberships in an extension and DEPENDS ON EXTENSION exist nowhere else.
  `SELECT format('membership %s %s %s %s %s', classid, objid, refobjid, deptype, xmin)
     FROM pg_catalog.pg_depend WHERE deptype IN ('e', 'x')`,
  // Large objects are data, and come and go all day, but whose they are and who may read them is not. So those that belong to
  // another role or have other privileges than most of them are named, and what most of them have, unless that is the usual.
  `SELECT format('large objects %s %s', owner, acl) FROM usual_large_object
    WHERE acl <> '' OR owner <> (SELECT datdba FROM pg_catalog.pg_database WHERE oid = (SELECT oid FROM this_database))`,
  `SELECT format('large object %s %s %s', o.oid, o.lomowner, o.lomacl) FROM pg_catalog.pg_largeobject_metadata o, usual_large_object u
    WHERE o.lomowner <> u.owner OR coalesce(o.lomacl::text, '') <> u.acl`,
];

const catalogRow = z.object({ name: z.string() });
const witnessRow = z.object({ witness: z.string() });

/**
 * A digest that any lasting DDL, TRUNCATE, GRANT or COMMENT in the session's database changes and nothing else does,
 * as of the session's snapshot. `catalog ` and 64 hex digits; compare for equality only.
 *
 * It is made of the `xmin` of every row in every definition catalog, counted (of columns, of their contents). A row that DDL inserts or updates
 * carries the id of its transaction, which no row had before; a row that it deletes is missing. So contents need
 * not be read. Not changed by: DML, ANALYZE and VACUUM (they update pg_class in place, and freezing leaves xmin as it
 * was), sequences moving on (setval included), large objects coming and going, temporary objects, scripts that were
 * rolled back, the write fence, roles and whatever else belongs to the whole server.
 *
 * Changed although no definition is: by whatever writes a table anew (VACUUM FULL, CLUSTER, REINDEX, REFRESH
 * MATERIALIZED VIEW), which the catalogs show as they show TRUNCATE. That errs on the safe side: what looks changed
 * is restored. Not seen: what belongs to the whole server (role memberships, privileges on parameters and tablespaces).
 */
export async function readWitness(session: Pick<SqlSession, 'query'>): Promise<string> {
  // Asked of the server, so that a catalog which a later PostgreSQL adds is watched from its first day.
  const catalogs = await session.query(
    `SELECT relname AS "name" FROM pg_catalog.pg_class
      WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
        AND relname NOT IN (${notDefinitions.map(literal).join(', ')})
        AND pg_catalog.has_table_privilege(oid, 'SELECT')
      ORDER BY relname::text COLLATE "C"`,
    catalogRow,
  );
  const [row] = await session.query(witnessSql(catalogs.map(({ name }) => name)), witnessRow);
  if (row === undefined) throw new TypeError('an aggregate returned no row');
  return row.witness;
}

/**
 * Since 17.12 ANALYZE writes a version of its own into the options of columns, so that here the contents count. Of the
 * columns that come with PostgreSQL itself nothing but privileges can be changed; there are thousands of them, and to
 * hash them all takes as long as everything else.
 */
const columnsSql = `SELECT format('pg_attribute %s %s', count(*), sum(hashtextextended(concat_ws(':',
      (to_jsonb(a) - 'attoptions' - 'attcacheoff' - 'attmissingval')::text,
      (SELECT string_agg(item, ',' ORDER BY item) FROM unnest(a.attoptions) AS item WHERE item NOT LIKE 'pg\\_attver=%')), 0)::numeric)
      FILTER (WHERE a.attrelid >= 16384 OR a.attacl IS NOT NULL))
   FROM pg_catalog.pg_attribute a WHERE ${lasting.pg_attribute}`;

function witnessSql(catalogs: readonly string[]): string {
  const parts = catalogs.map((name) =>
    name === 'pg_attribute'
      ? columnsSql
      : `SELECT format('${name} %s %s', xmin::text, count(*)) FROM pg_catalog.${name} WHERE ${lasting[name] ?? 'true'} GROUP BY xmin::text`,
  );
  return `WITH
    usual_large_object AS (
      SELECT lomowner AS owner, coalesce(lomacl::text, '') AS acl FROM pg_catalog.pg_largeobject_metadata
       GROUP BY 1, 2 ORDER BY count(*) DESC, 1, 2 LIMIT 1),
    this_database AS (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
    temp_schemas AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_[0-9]+$'),
    temp_relations AS (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM temp_schemas)),
    temp_types AS (SELECT oid FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM temp_schemas)),
    temp_objects AS (
      SELECT 'pg_catalog.pg_class'::regclass AS classid, oid FROM temp_relations
      UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid FROM temp_types
      UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid FROM pg_catalog.pg_proc
                 WHERE pronamespace IN (SELECT oid FROM temp_schemas)
      UNION ALL SELECT 'pg_catalog.pg_constraint'::regclass, oid FROM pg_catalog.pg_constraint
                 WHERE connamespace IN (SELECT oid FROM temp_schemas)
      UNION ALL SELECT 'pg_catalog.pg_trigger'::regclass, oid FROM pg_catalog.pg_trigger
                 WHERE tgrelid IN (SELECT oid FROM temp_relations))
  SELECT 'catalog ' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
           pg_catalog.string_agg(part, E'\\n' ORDER BY part COLLATE "C"), 'UTF8')), 'hex') AS "witness"
    FROM (${[...parts, ...byValue].join('\n UNION ALL ')}) AS parts(part)`;
}
