import pg from 'pg';

/** What a database holds and is, read by its own SQL: nothing of the product's is asked. */
export interface ArenaState {
  /** Rows of every table, large objects, whether materialized views are filled. */
  readonly contents: Readonly<Record<string, string>>;
  /** Definitions, owners, privileges, comments and settings by what they are of. */
  readonly catalogs: Readonly<Record<string, string>>;
  readonly sequences: Readonly<Record<string, string>>;
}

const userSchema = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;
const kind = `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'matview' ELSE 'relation' END`;

const contents = `
  SELECT 'rows of ' || c.oid::regclass, md5(coalesce(query_to_xml(format('SELECT t::text AS r FROM ONLY %s t ORDER BY 1', c.oid::regclass), true, true, '')::text, ''))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND ${userSchema}
  UNION ALL SELECT 'filled ' || matviewname, ispopulated::text FROM pg_matviews
  UNION ALL SELECT 'large object ' || oid, md5(lo_get(oid)) FROM pg_largeobject_metadata`;

/** Privileges that were never changed count as what they are by default: they may be written out afterwards, to the same effect. */
const catalogs = `
  SELECT ${kind} || ' ' || c.oid::regclass, concat_ws(' ', c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions,
         c.relrowsecurity, c.relforcerowsecurity, c.relreplident, obj_description(c.oid, 'pg_class'),
         CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END,
         (SELECT string_agg(concat_ws(':', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                  a.attstorage, a.attstattarget, a.attacl, a.attoptions, a.attcollation::regcollation,
                  pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)), ', ' ORDER BY a.attname)
            FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY 1) FROM pg_inherits i WHERE i.inhrelid = c.oid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND ${userSchema}
  UNION ALL SELECT 'index state ' || i.indexrelid::regclass, concat_ws(' ', i.indisvalid, i.indisready, i.indisclustered, i.indisreplident)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND ${userSchema}
  UNION ALL SELECT concat_ws(' ', 'constraint', t.conname, 'of', t.conrelid::regclass, t.contypid::regtype), concat_ws(' ', pg_get_constraintdef(t.oid), t.convalidated, obj_description(t.oid, 'pg_constraint'))
    FROM pg_constraint t JOIN pg_namespace n ON n.oid = t.connamespace WHERE ${userSchema}
  UNION ALL SELECT 'trigger ' || t.tgname || ' of ' || t.tgrelid::regclass, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
    FROM pg_trigger t WHERE NOT t.tgisinternal
  UNION ALL SELECT 'rule ' || r.rulename || ' of ' || r.ev_class::regclass, concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled)
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND ${userSchema}
  UNION ALL SELECT 'policy ' || p.polname || ' of ' || p.polrelid::regclass, concat_ws(' ', p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p
  UNION ALL SELECT 'function ' || p.oid::regprocedure, concat_ws(' ', p.proowner::regrole, p.proacl, p.prosrc, p.provolatile, p.prosecdef, p.proconfig, obj_description(p.oid, 'pg_proc'))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${userSchema}
  UNION ALL SELECT 'type ' || t.oid::regtype, concat_ws(' ', t.typtype, t.typowner::regrole, t.typacl, t.typdefault, t.typnotnull, obj_description(t.oid, 'pg_type'),
         (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${userSchema}
  UNION ALL SELECT 'schema ' || n.nspname, concat_ws(' ', n.nspowner::regrole, n.nspacl, obj_description(n.oid, 'pg_namespace')) FROM pg_namespace n WHERE ${userSchema}
  UNION ALL SELECT 'extension ' || extname, concat_ws(' ', extversion, extowner::regrole, extnamespace::regnamespace) FROM pg_extension
  UNION ALL SELECT 'event trigger ' || evtname, concat_ws(' ', evtevent, evtenabled, evtfoid::regproc) FROM pg_event_trigger
  UNION ALL SELECT 'publication ' || pubname, concat_ws(' ', puballtables, pubinsert, pubowner::regrole) FROM pg_publication
  UNION ALL SELECT 'statistics ' || stxname, concat_ws(' ', pg_get_statisticsobjdef(oid), stxstattarget) FROM pg_statistic_ext
  UNION ALL SELECT concat_ws(' ', 'default privileges of', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype), defaclacl::text FROM pg_default_acl
  UNION ALL SELECT 'owner of large object ' || oid, concat_ws(' ', lomowner::regrole, lomacl, obj_description(oid, 'pg_largeobject')) FROM pg_largeobject_metadata
  UNION ALL SELECT 'foreign server ' || srvname, concat_ws(' ', srvowner::regrole, srvacl, srvoptions) FROM pg_foreign_server
  UNION ALL SELECT 'sequence ' || s.seqrelid::regclass, concat_ws(' ', s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, s.seqtypid::regtype)
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND ${userSchema}
  UNION ALL SELECT 'database', concat_ws(' ', datdba::regrole, datconnlimit, datallowconn, (SELECT array_agg(item::text ORDER BY item::text) FROM unnest(coalesce(datacl, acldefault('d', datdba))) item),
         shobj_description(oid, 'pg_database'), (SELECT string_agg(s.setrole::regrole || ' ' || s.setconfig::text, ',' ORDER BY 1) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid))
    FROM pg_database d WHERE datname = current_database()`;

const sequences = `SELECT schemaname || '.' || sequencename,
  substring(query_to_xml(format('SELECT last_value || '' '' || is_called AS v FROM %I.%I', schemaname, sequencename), true, true, '')::text from '<v>(.*)</v>')
  FROM pg_sequences WHERE schemaname !~ '^pg_'`;

/** As the superuser; the URL is his. */
export async function readArenaState(url: string): Promise<ArenaState> {
  const client = new pg.Client({ connectionString: url, application_name: 'oracle' });
  await client.connect();
  try {
    await client.query(
      `SET search_path = ''; SET row_security = off; SET lock_timeout = '10s'; SET session_replication_role = replica`,
    );
    const read = async (sql: string): Promise<Record<string, string>> => {
      const { rows } = await client.query<[string, string]>({ text: sql, rowMode: 'array' });
      return Object.fromEntries(
        rows.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, String(value)]),
      );
    };
    return {
      contents: await read(contents),
      catalogs: await read(catalogs),
      sequences: await read(sequences),
    };
  } finally {
    await client.end();
  }
}

/** A sequence moves on by itself: an INSERT that was rolled back took a number. Farther than this somebody has set it. */
const ownSteps = 200n;

/** What differs between two states, by name; sequences may have moved on a little and never back. */
export function differences(before: ArenaState, after: ArenaState): readonly string[] {
  const differing = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) =>
    [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
  return [
    ...differing(before.contents, after.contents),
    ...differing(before.catalogs, after.catalogs),
    ...differing(before.sequences, after.sequences)
      .filter((name) => !hasMovedOn(before.sequences[name], after.sequences[name]))
      .map((name) => `sequence ${name}`),
  ];
}

function hasMovedOn(before: string | undefined, after: string | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const [from, to] = [before, after].map((text) => {
    const [value = '0', isCalled] = text.split(' ');
    return BigInt(value) * 2n + (isCalled === 'true' || isCalled === 't' ? 1n : 0n);
  });
  if (from === undefined || to === undefined) return false;
  return to >= from && to - from <= ownSteps;
}
