import type { PostgresCluster } from './postgres.ts';

/** What a database holds and is, read without any code of the product: two of them are compared with toEqual. */
export interface DatabaseState {
  /** `pg_dump --schema-only`, without comments and the random tokens of patched versions. */
  readonly schema: string;
  /** md5 of the sorted rows and their number, by table. */
  readonly tables: Readonly<Record<string, string>>;
  readonly sequences: Readonly<Record<string, string>>;
  /** Owner, ACL, settings, comment, connection limit, whether it can be connected to. */
  readonly properties: string;
}

/** Reads the state of `database` as the superuser. */
export async function readDatabaseState(cluster: PostgresCluster, database: string): Promise<DatabaseState> {
  const lines = async (sql: string, where = database) =>
    (await cluster.psql(where, sql)).split('\n').filter((line) => line !== '');
  const dump = await cluster.tool('pg_dump', ['--schema-only', '--no-password'], database);
  const tables = await lines(`
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`);
  const sequences = await lines(`
    SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences ORDER BY 1`);
  const read = async (names: readonly string[], sql: (name: string) => string) => {
    if (names.length === 0) return {};
    const rows = await lines(names.map((name) => `SELECT (${sql(name)})`).join(';\n'));
    return Object.fromEntries(names.map((name, index) => [name, rows[index] ?? '']));
  };
  const literal = `'${database.replaceAll("'", "''")}'`;
  return {
    schema: dump
      .split('\n')
      .filter((line) => !line.startsWith('--') && !line.startsWith('\\') && line.trim() !== '')
      .join('\n'),
    tables: await read(
      tables,
      (name) =>
        `SELECT count(*) || ' ' || coalesce(md5(string_agg(to_jsonb(row_)::text, ',' ORDER BY to_jsonb(row_)::text)), '') FROM ONLY ${name} row_`,
    ),
    sequences: await read(sequences, (name) => `SELECT last_value || ' ' || is_called FROM ${name}`),
    properties: await cluster.psql(
      'postgres',
      `SELECT jsonb_pretty(jsonb_build_object(
         'owner', pg_get_userbyid(datdba), 'acl', (SELECT jsonb_agg(item::text ORDER BY item::text) FROM unnest(datacl) item),
         'limit', datconnlimit, 'open', datallowconn, 'encoding', encoding, 'collate', datcollate,
         'comment', shobj_description(oid, 'pg_database'),
         'settings', (SELECT jsonb_agg(jsonb_build_array(setrole::regrole::text, (SELECT jsonb_agg(item ORDER BY item) FROM unnest(setconfig) item)) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = pg_database.oid)))
       FROM pg_database WHERE datname = ${literal}`,
    ),
  };
}
