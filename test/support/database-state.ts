import { randomBytes } from 'node:crypto';
import type { PostgresCluster } from './postgres.ts';

/** What a database holds and is, read without any code of the product: two of them are compared with toEqual. */
export interface DatabaseState {
  /** `pg_dump --schema-only`, without comments and the random tokens of patched versions. */
  readonly schema: string;
  /** Versions, which a dump does not hold. */
  readonly extensions: Readonly<Record<string, string>>;
  /** md5 of the sorted rows and their number, by table; columns in the order of their names. */
  readonly tables: Readonly<Record<string, string>>;
  readonly sequences: Readonly<Record<string, string>>;
  /** Whether each holds rows; which ones is not compared, because a stale one comes back fresh. */
  readonly materializedViews: Readonly<Record<string, string>>;
  /** md5 of the content, owner, privileges and comment, by number. */
  readonly largeObjects: Readonly<Record<string, string>>;
  /** Owner, ACL, settings, comment, connection limit, whether it can be connected to. */
  readonly properties: string;
}

/** Reads the state of `database` as the superuser. */
export async function readDatabaseState(cluster: PostgresCluster, database: string): Promise<DatabaseState> {
  // One psql for each round of questions: starting one costs more than what it asks.
  const lines = async (queries: readonly string[]): Promise<string[]> => {
    if (queries.length === 0) return [];
    const rows = await cluster.psql(database, queries.map((query) => `SELECT (${query})`).join(';\n'));
    return rows.split('\n').filter((line) => line !== '');
  };
  const record = (sql: string) =>
    `SELECT coalesce(json_object_agg(key, value), '{}')::text FROM (${sql}) AS pairs(key, value)`;
  const userSchema = (name: string) => `${name} !~ '^pg_' AND ${name} <> 'information_schema'`;
  const literal = `'${database.replaceAll("'", "''")}'`;
  const known = await lines([
    record('SELECT extname, extversion FROM pg_extension ORDER BY 1'),
    record(`SELECT format('%I.%I', schemaname, matviewname), ispopulated::text FROM pg_matviews ORDER BY 1`),
    record(
      `SELECT oid::text, concat_ws(' ', md5(lo_get(oid)), lomowner::regrole, lomacl, obj_description(oid, 'pg_largeobject'))
         FROM pg_largeobject_metadata ORDER BY oid`,
    ),
    record(`
      SELECT format('%I.%I', n.nspname, c.relname),
             format('SELECT count(*) || '' '' || coalesce(md5(string_agg(r, '','' ORDER BY r COLLATE "C")), '''') FROM (SELECT ROW(%s)::text AS r FROM ONLY %I.%I AS t) AS rows',
               (SELECT string_agg(format('t.%I', attname), ', ' ORDER BY attname::text COLLATE "C") FROM pg_attribute
                 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped), n.nspname, c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'r' AND ${userSchema('n.nspname')} ORDER BY 1`),
    record(`
      SELECT format('%I.%I', schemaname, sequencename), format('SELECT last_value || '' '' || is_called FROM %I.%I', schemaname, sequencename)
        FROM pg_sequences WHERE ${userSchema('schemaname')} ORDER BY 1`),
    `SELECT jsonb_build_object(
       'owner', pg_get_userbyid(datdba), 'acl', (SELECT jsonb_agg(item::text ORDER BY item::text) FROM unnest(coalesce(datacl, acldefault('d', datdba))) item),
       'limit', datconnlimit, 'open', datallowconn, 'encoding', encoding, 'collate', datcollate, 'ctype', datctype,
       'provider', to_jsonb(pg_database) -> 'datlocprovider', 'tablespace', dattablespace,
       'comment', shobj_description(oid, 'pg_database'),
       'settings', (SELECT jsonb_agg(jsonb_build_array(setrole::regrole::text, (SELECT jsonb_agg(item ORDER BY item) FROM unnest(setconfig) item)) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = pg_database.oid))
     FROM pg_database WHERE datname = ${literal}`,
  ]);
  const [extensions = {}, materializedViews = {}, largeObjects = {}, tables = {}, sequences = {}] = known
    .slice(0, 5)
    .map((line): Record<string, string> => JSON.parse(line));
  const contents = await lines([...Object.values(tables), ...Object.values(sequences)]);
  const named = (relations: Record<string, string>, from: number) =>
    Object.fromEntries(Object.keys(relations).map((name, index) => [name, contents[from + index] ?? '']));
  return {
    schema: comparableSchema(await cluster.tool('pg_dump', ['--schema-only', '--no-password'], database)),
    extensions,
    tables: named(tables, 0),
    sequences: named(sequences, Object.keys(tables).length),
    materializedViews,
    largeObjects,
    properties: known[5] ?? '',
  };
}

/**
 * The same, with the schema as one more restore shows it: PostgreSQL writes some expressions (`CHECK (x IN (…))`,
 * views, partial indexes) differently after the first.
 */
export async function readSettledState(cluster: PostgresCluster, database: string): Promise<DatabaseState> {
  const state = await readDatabaseState(cluster, database);
  const scratch = `settled_${randomBytes(6).toString('hex')}`;
  await cluster.createDatabase(scratch);
  try {
    await cluster.psql(scratch, await cluster.tool('pg_dump', ['--schema-only'], database));
    return {
      ...state,
      schema: comparableSchema(await cluster.tool('pg_dump', ['--schema-only'], scratch)),
    };
  } finally {
    await cluster.psql('postgres', `DROP DATABASE ${scratch}`);
  }
}

function comparableSchema(dump: string): string {
  return dump
    .split('\n')
    .filter((line) => !line.startsWith('--') && !line.startsWith('\\') && line.trim() !== '')
    .join('\n');
}
