import { kind } from './kind.ts';

export const viewKinds = [
  kind('view', async (p) => `CREATE VIEW ${await p.fresh('v')} AS SELECT * FROM ${await p.table()}`, {
    weight: 2,
  }),
  kind('view with conditions', async (p) => {
    const { table, name } = await p.column('^(character varying|text)$');
    return `CREATE VIEW ${await p.fresh('v')} (${p.name('first')}, second) AS SELECT t.${name}, count(*) FROM ${table} t WHERE t.${name} IN ('draft', 'sent', 'a') OR t.${name} LIKE 'w%' GROUP BY 1 HAVING count(*) < 100000`;
  }),
  kind('view with a window and a union', async (p) => {
    const { table, name } = await p.column('^integer$');
    return `CREATE VIEW ${await p.fresh('v')} AS WITH w AS (SELECT ${name} AS x, rank() OVER (ORDER BY ${name}) AS r FROM ${table}) SELECT * FROM w UNION ALL SELECT -1, 0 FROM ${await p.table()}`;
  }),
  kind(
    'view of a join',
    async (p) =>
      `CREATE VIEW ${await p.fresh('v')} AS SELECT a.n AS one, b.n AS two FROM ${(await p.column('^integer$', "a.attname = 'n'")).table} a LEFT JOIN LATERAL (SELECT n FROM ${(await p.column('^integer$', "a.attname = 'n'")).table} z WHERE z.n = a.n LIMIT 1) b ON true`,
  ),
  kind('view of a view', async (p) => `CREATE VIEW ${await p.fresh('v')} AS SELECT count(*) AS many FROM ${await p.relation('v')}`),
  kind('view with options', async (p) => {
    const { table, name } = await p.column('^integer$');
    return `CREATE VIEW ${await p.fresh('v')} WITH (security_barrier, security_invoker = ${p.pick(['true', 'false'])}, check_option = ${p.pick(['local', 'cascaded'])}) AS SELECT * FROM ${table} WHERE ${name} > 0`;
  }),
  kind('recursive view', async (p) => {
    const schema = await p.schema();
    const name = p.name('v');
    return `CREATE VIEW ${schema}.${name} AS WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5) SEARCH DEPTH FIRST BY n SET o SELECT n FROM r`;
  }),
  kind('default of a view', async (p) => {
    const view = await p.relation('v');
    const name = await p.one(
      `SELECT format('%I', attname) FROM pg_attribute WHERE attrelid = '${view.replaceAll("'", "''")}'::regclass AND atttypid IN ('text'::regtype, 'integer'::regtype) AND attnum > 0`,
    );
    return `ALTER VIEW ${view} ALTER ${name} SET DEFAULT '7'`;
  }),
  kind('view of another role', async (p) => `ALTER VIEW ${await p.relation('v')} OWNER TO ${p.roles[1]}`, {
    rare: true,
  }),
  kind(
    'materialized view',
    async (p) => {
      const { table, name } = await p.column('^(integer|text|date)$');
      return `CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT ${name} AS x, count(*) AS many FROM ${table} GROUP BY 1`;
    },
    { weight: 2 },
  ),
  kind('materialized view with options', async (p) => `CREATE MATERIALIZED VIEW ${await p.fresh('m')} WITH (fillfactor = 80) AS SELECT relname FROM (VALUES ('a'), ('b')) v(relname)`),
  kind('unpopulated materialized view', async (p) => `CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT 1 AS one, 'x'::text AS two WITH NO DATA`),
  kind('refreshed materialized view', async (p) => `REFRESH MATERIALIZED VIEW ${await p.relation('m')}`),
  kind('index of a materialized view', async (p) => {
    const { table, name } = await p.column('^(integer|text|date|bigint)$', 'true', 'm');
    return `CREATE INDEX ${p.name('i')} ON ${table} (${name})`;
  }),
  // Once it holds rows that are equal there, no restore can refresh it.
  kind(
    'unique index of a materialized view',
    async (p) => {
      const { table, name } = await p.column('^(integer|text|date|bigint)$', 'true', 'm');
      return `CREATE UNIQUE INDEX ${p.name('i')} ON ${table} (${name})`;
    },
    { rare: true },
  ),
  kind('materialized view of a materialized view', async (p) => `CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT count(*) AS many FROM ${await p.relation('m', 'c.relispopulated')}`),
  kind('rule', async (p) => `CREATE RULE ${p.name('ru')} AS ON DELETE TO ${await p.relation('v')} DO INSTEAD NOTHING`),
  kind(
    'rule with actions',
    async (p) => `CREATE RULE ${p.name('ru')} AS ON UPDATE TO ${await p.relation('rv', 'NOT c.relispartition')} WHERE false DO ALSO (SELECT 1; NOTIFY changed)`.replace('; NOTIFY changed', ''),
    { weight: 0.5 },
  ),
  kind('rule disabled', async (p) => {
    const text = await p.one(
      `SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', r.rulename))::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.rulename <> '_RETURN' AND c.relkind = 'r' AND n.nspname !~ '^pg_' AND pg_has_role(c.relowner, 'USAGE')`,
    );
    const [table, rule] = JSON.parse(text) as [string, string];
    return `ALTER TABLE ${table} ${p.pick(['DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA'])} RULE ${rule}`;
  }),
] as const;

/** A stale view comes back fresh: none is, but those that are meant to be. */
export const refreshAll = kind('all materialized views refreshed', async (p) => {
  const views = await p.rows(
    `SELECT format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname) AS sql FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid`,
  );
  return views.map(({ sql = '' }) => sql);
});

export const staleView = kind(
  'stale materialized view',
  async (p) => {
    const table = await p.fresh('t');
    return `CREATE TABLE ${table} (n integer); INSERT INTO ${table} VALUES (1); CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT n FROM ${table}; INSERT INTO ${table} VALUES (2)`;
  },
  { rare: true },
);
