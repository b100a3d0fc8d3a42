import { kind } from './kind.ts';
import { isNoMember, type Place } from './place.ts';

const text = "E'a comment\\nwith ''quotes''; and --\\n-- Name: x; Type: TABLE'";

const comment = (what: string, name: (place: Place) => Promise<string>, more = {}) =>
  kind(`comment on ${what.toLowerCase()}`, async (p: Place) => `COMMENT ON ${what} ${await name(p)} IS ${text}`, more);

const within = (sql: string) => async (p: Place) => {
  const [table, name] = JSON.parse(await p.one(sql)) as [string, string];
  return `${name} ON ${table}`;
};
const ofTables = `JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND pg_has_role(c.relowner, 'USAGE') AND c.relkind IN ('r', 'p') AND ${isNoMember('c')}`;

export const detailKinds = [
  comment('TABLE', (p) => p.relation('r')),
  comment('VIEW', (p) => p.relation('v')),
  comment('MATERIALIZED VIEW', (p) => p.relation('m')),
  comment('INDEX', (p) => p.relation('i')),
  comment('SEQUENCE', (p) => p.relation('S')),
  comment('SCHEMA', (p) => p.schema()),
  comment('TYPE', (p) => p.type('ecr')),
  comment('DOMAIN', (p) => p.type('d')),
  comment('ROUTINE', (p) => p.routine()),
  kind('comment on a column', async (p) => {
    const { table, name } = await p.column();
    return `COMMENT ON COLUMN ${table}.${name} IS ${text}`;
  }),
  comment(
    'CONSTRAINT',
    within(
      `SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', x.conname))::text FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid ${ofTables} AND x.conparentid = 0 AND x.contype <> 't'`,
    ),
  ),
  comment(
    'TRIGGER',
    within(
      `SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', x.tgname))::text FROM pg_trigger x JOIN pg_class c ON c.oid = x.tgrelid ${ofTables} AND NOT tgisinternal AND tgparentid = 0`,
    ),
  ),
  comment('POLICY', within(`SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', x.polname))::text FROM pg_policy x JOIN pg_class c ON c.oid = x.polrelid ${ofTables}`)),
  comment('STATISTICS', (p) => p.object('pg_statistic_ext', 'stx')),
  comment('COLLATION', (p) => p.object('pg_collation', 'coll')),
  comment('TEXT SEARCH CONFIGURATION', (p) => p.object('pg_ts_config', 'cfg')),
  comment('PUBLICATION', (p) => p.one("SELECT format('%I', pubname) FROM pg_publication WHERE pg_has_role(pubowner, 'USAGE')")),
  comment('EXTENSION', (p) => p.one("SELECT format('%I', extname) FROM pg_extension WHERE pg_has_role(extowner, 'USAGE')"), { rare: true }),
  comment('SERVER', (p) => p.one("SELECT format('%I', srvname) FROM pg_foreign_server WHERE pg_has_role(srvowner, 'USAGE')")),
  kind('storage', async (p) => {
    const { table, name } = await p.column('^(text|jsonb|bytea)$');
    return `ALTER TABLE ${table} ALTER ${name} SET STORAGE ${p.pick(['MAIN', 'EXTENDED'])}`;
  }),
  // What was compressed when it was indexed may be too long for the index without.
  kind(
    'storage without compression',
    async (p) => {
      const { table, name } = await p.column('^(text|jsonb|bytea)$');
      return `ALTER TABLE ${table} ALTER ${name} SET STORAGE EXTERNAL`;
    },
    { rare: true },
  ),
  kind('compression', async (p) => {
    const { table, name } = await p.column('^(text|jsonb|bytea)$');
    return `ALTER TABLE ${table} ALTER ${name} SET COMPRESSION ${p.pick(['pglz', 'pglz', 'lz4'])}`;
  }),
  kind('statistics target', async (p) => {
    const { table, name } = await p.column();
    return `ALTER TABLE ${table} ALTER ${name} SET STATISTICS ${p.pick([0, 50, 10000])}`;
  }),
  kind('options of a column', async (p) => {
    const { table, name } = await p.column();
    return `ALTER TABLE ${table} ALTER ${name} SET (n_distinct = -0.5, n_distinct_inherited = 7)`;
  }),
  kind('options of a table', async (p) => `ALTER TABLE ${await p.table()} SET (autovacuum_vacuum_scale_factor = 0.01, parallel_workers = 3, toast.autovacuum_enabled = off)`),
  kind('row options reset', async (p) => `ALTER TABLE ${await p.table('c.reloptions IS NOT NULL')} RESET (parallel_workers)`),
  kind('made unlogged', async (p) => `ALTER TABLE ${await p.table()} SET UNLOGGED`, { weight: 0.5 }),
  kind('extended statistics', async (p) => {
    const { table, name } = await p.column('^(integer|text|date)$');
    const other = await p.one(
      `SELECT format('%I', attname) FROM pg_attribute a WHERE attrelid = '${table.replaceAll("'", "''")}'::regclass AND attnum > 0 AND NOT attisdropped AND atttypid IN (23, 25, 20, 1082) AND format('%I', attname) <> '${name.replaceAll("'", "''")}' AND attgenerated = ''`,
    );
    return `CREATE STATISTICS ${await p.fresh('st')} ${p.pick(['', '(mcv)', '(ndistinct, dependencies)'])} ON ${name}, ${other} FROM ${table}`;
  }),
  kind('statistics of an expression', async (p) => {
    const { table, name } = await p.column('^(text|character varying)$', "a.attgenerated = ''");
    return `CREATE STATISTICS ${await p.fresh('st')} ON lower(${name}), (${name} || 'x') FROM ${table}`;
  }),
  kind('target of statistics', async (p) => `ALTER STATISTICS ${await p.object('pg_statistic_ext', 'stx')} SET STATISTICS 123`),
  kind('statistics of another role', async (p) => `ALTER STATISTICS ${await p.object('pg_statistic_ext', 'stx')} OWNER TO ${p.roles[1]}`, { rare: true }),
  kind(
    'sequence',
    async (p) => `CREATE SEQUENCE ${await p.fresh('q')} AS ${p.pick(['smallint', 'integer', 'bigint'])} INCREMENT ${p.pick([1, -1, 10])} CACHE ${p.pick([1, 3])} ${p.pick(['CYCLE', 'NO CYCLE'])}`,
  ),
  kind('sequence used', async (p) => `SELECT nextval('${(await p.relation('S')).replaceAll("'", "''")}')`),
  kind('sequence set', async (p) => `SELECT setval('${(await p.relation('S')).replaceAll("'", "''")}', ${p.pick([1, 5, 100])}, ${p.pick([true, false])})`, { weight: 2 }),
  kind('sequence changed', async (p) => `ALTER SEQUENCE ${await p.relation('S')} MAXVALUE 30000 START 3`),
  kind('sequence restarted', async (p) => `ALTER SEQUENCE ${await p.relation('S')} RESTART`),
  kind('unlogged sequence', async (p) => `CREATE UNLOGGED SEQUENCE ${await p.fresh('q')} MINVALUE 7`),
  kind('sequence owned by a column', async (p) => {
    const { table, name } = await p.column('^(integer|bigint)$');
    const beside = `c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = '${table.replaceAll("'", "''")}'::regclass)`;
    return `ALTER SEQUENCE ${await p.relation('S', `${beside} AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('i', 'a'))`)} OWNED BY ${table}.${name}`;
  }),
  kind('sequence owned by nothing', async (p) => `ALTER SEQUENCE ${await p.relation('S', "EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'a')")} OWNED BY NONE`),
  kind('collation of ICU', async (p) => `CREATE COLLATION ${await p.fresh('co')} (provider = icu, locale = '${p.pick(['de-u-co-phonebk', 'und', 'sv'])}')`),
  kind('nondeterministic collation', async (p) => `CREATE COLLATION ${await p.fresh('co')} (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`),
  kind('collation with rules', async (p) => `CREATE COLLATION ${await p.fresh('co')} (provider = icu, locale = 'und', rules = '& a < g')`, { from: 16 }),
  kind('collation of the libc', async (p) => `CREATE COLLATION ${await p.fresh('co')} (provider = libc, locale = 'C')`),
  kind('copied collation', async (p) => `CREATE COLLATION ${await p.fresh('co')} FROM "C"`),
  kind('column with a collation of ours', async (p) => `ALTER TABLE ${await p.table()} ADD ${p.name('cc')} text COLLATE ${await p.object('pg_collation', 'coll')}`),
  kind('unique key with a collation of ours', async (p) => {
    const table = await p.fresh('t');
    return `CREATE TABLE ${table} (word text COLLATE ${await p.object('pg_collation', 'coll')} PRIMARY KEY, n integer); INSERT INTO ${table} VALUES ('a', 1), ('b', 2), ('Ä', 3)`;
  }),
] as const;
