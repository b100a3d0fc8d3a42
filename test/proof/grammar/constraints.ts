import { kind } from './kind.ts';
import { isNoMember, type Place } from './place.ts';

/** A table's own unique key of one column to refer to. */
async function key(place: Place): Promise<{ table: string; column: string; type: string }> {
  const text = await place.one(`SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', a.attname), format_type(a.atttypid, a.atttypmod))::text FROM pg_constraint x
    JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.conkey[1]
    WHERE x.contype IN ('p', 'u') AND cardinality(x.conkey) = 1 AND NOT x.condeferrable AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND pg_has_role(c.relowner, 'USAGE') AND NOT c.relispartition
      AND ${isNoMember('c')} AND c.relname <> '_prisma_migrations'`);
  const [table, column, type] = JSON.parse(text) as [string, string, string];
  return { table, column, type };
}

const reference = (name: string, rest: string, more = {}) =>
  kind(
    `foreign key ${name}`,
    async (p: Place) => {
      const to = await key(p);
      const table = await p.table();
      const column = p.name('ref');
      return `ALTER TABLE ${table} ADD ${column} ${to.type.replace('serial', 'integer')};
      ALTER TABLE ${table} ADD CONSTRAINT ${p.name('fk')} FOREIGN KEY (${column}) REFERENCES ${to.table} (${to.column}) ${rest}`;
    },
    more,
  );

const check = (name: string, type: string, rest: (column: string) => string) =>
  kind(`check ${name}`, async (p: Place) => {
    const { table, name: column } = await p.column(type);
    return `ALTER TABLE ${table} ADD CONSTRAINT ${p.name('ck')} CHECK ${rest(column)}`;
  });

const constraintOf = (types: string, where = 'true') => `SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', x.conname))::text FROM pg_constraint x
  JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE x.contype IN (${types}) AND n.nspname !~ '^pg_' AND pg_has_role(c.relowner, 'USAGE') AND x.conparentid = 0 AND ${isNoMember('c')} AND (${where})`;

export const constraintKinds = [
  reference('plain', '', { weight: 2 }),
  reference('with actions', 'ON DELETE CASCADE ON UPDATE SET NULL'),
  reference('with match full', 'MATCH FULL ON DELETE SET DEFAULT'),
  reference('deferrable', 'DEFERRABLE'),
  reference('deferred', 'DEFERRABLE INITIALLY DEFERRED'),
  reference('not valid', 'NOT VALID'),
  reference('not enforced', 'NOT ENFORCED', { from: 18 }),
  kind('foreign key that some rows violate', async (p) => {
    const to = await key(p);
    const table = await p.fresh('t');
    return `CREATE TABLE ${table} (x ${to.type}); INSERT INTO ${table} SELECT '99' WHERE '${to.type}' IN ('integer', 'bigint');
      ALTER TABLE ${table} ADD CONSTRAINT ${p.name('fk')} FOREIGN KEY (x) REFERENCES ${to.table} (${to.column}) NOT VALID`;
  }),
  kind('foreign keys in a circle', async (p) => {
    const [a, b] = [await p.fresh('t'), await p.fresh('t')];
    return `CREATE TABLE ${a} (id integer PRIMARY KEY, o integer); CREATE TABLE ${b} (id integer PRIMARY KEY, o integer REFERENCES ${a} DEFERRABLE);
      ALTER TABLE ${a} ADD FOREIGN KEY (o) REFERENCES ${b} DEFERRABLE INITIALLY DEFERRED; INSERT INTO ${a} VALUES (1, 1); INSERT INTO ${b} VALUES (1, 1)`;
  }),
  kind('foreign key to itself', async (p) => {
    const to = await key(p);
    return `ALTER TABLE ${to.table} ADD CONSTRAINT ${p.name('fk')} FOREIGN KEY (${to.column}) REFERENCES ${to.table} (${to.column})`;
  }),
  kind(
    'triggers of foreign keys disabled',
    async (p) => {
      const [table] = JSON.parse(await p.one(constraintOf("'f'", "c.relkind = 'r' AND NOT c.relispartition"))) as [string, string];
      return `ALTER TABLE ${table} DISABLE TRIGGER ALL`;
    },
    { by: 'superuser', rare: true },
  ),
  kind(
    'constraint validated later',
    async (p) => {
      const [table, name] = JSON.parse(await p.one(constraintOf("'f', 'c'", 'NOT x.convalidated'))) as [string, string];
      return `ALTER TABLE ${table} VALIDATE CONSTRAINT ${name}`;
    },
    { weight: 0.5 },
  ),
  kind('constraint changed to deferrable', async (p) => {
    const [table, name] = JSON.parse(await p.one(constraintOf("'f'"))) as [string, string];
    return `ALTER TABLE ${table} ALTER CONSTRAINT ${name} DEFERRABLE INITIALLY DEFERRED`;
  }),
  kind('renamed constraint', async (p) => {
    const [table, name] = JSON.parse(await p.one(constraintOf("'f', 'c', 'u'", 'x.conislocal AND x.coninhcount = 0'))) as [string, string];
    return `ALTER TABLE ${table} RENAME CONSTRAINT ${name} TO ${p.name('con')}`;
  }),
  check('with IN', '^character varying$', (c) => `(${c} IN ('draft', 'sent', 'b') OR ${c} IS NULL OR length(${c}) < 20)`),
  check('not valid', '^integer$', (c) => `(${c} > 1000000) NOT VALID`),
  check('not inherited', '^integer$', (c) => `(${c} IS NOT NULL OR true) NO INHERIT`),
  check('with ANY', '^text$', (c) => `(${c} <> ALL (ARRAY['never', 'nowhere']))`),
  check('with BETWEEN', '^(date|integer)$', (c) => `(${c} IS NULL OR ${c} NOT BETWEEN NULL AND NULL)`),
  { ...check('not enforced', '^integer$', (c) => `(${c} > 5) NOT ENFORCED`), from: 18 },
  kind('unique constraint', async (p) => {
    const { table, name } = await p.column('^(integer|bigint|uuid)$');
    return `ALTER TABLE ${table} ADD CONSTRAINT ${p.name('un')} UNIQUE (${name}) ${p.pick(['', 'DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED', 'WITH (fillfactor = 80)'])}`;
  }),
  kind('unique constraint with nulls not distinct', async (p) => {
    const { table, name } = await p.column('^(integer|bigint|date)$');
    return `ALTER TABLE ${table} ADD CONSTRAINT ${p.name('un')} UNIQUE NULLS NOT DISTINCT (${name})`;
  }),
  kind('primary key by an index', async (p) => {
    const table = await p.fresh('t');
    const [i, c] = [p.name('i'), p.name('pk')];
    return `CREATE TABLE ${table} (a integer NOT NULL, b text); CREATE UNIQUE INDEX ${i} ON ${table} (a); ALTER TABLE ${table} ADD CONSTRAINT ${c} PRIMARY KEY USING INDEX ${i}`;
  }),
  kind('exclusion', async (p) => {
    const table = await p.fresh('t');
    return `CREATE TABLE ${table} (during tstzrange, word text, EXCLUDE USING gist (during WITH &&) WHERE (word <> 'a') ${p.pick(['', 'DEFERRABLE INITIALLY DEFERRED'])}, EXCLUDE (word WITH =));
      INSERT INTO ${table} VALUES ('[2025-01-01,2025-02-01)', 'b'), ('[2025-03-01,)', 'c'), (NULL, NULL)`;
  }),
  kind('exclusion with btree_gist', async (p) => `CREATE TABLE ${await p.fresh('t')} (room integer, during tstzrange, EXCLUDE USING gist (room WITH =, during WITH &&))`),
  kind('period key', async (p) => `CREATE TABLE ${await p.fresh('t')} (room int4range, during tstzrange, CONSTRAINT ${p.name('pk')} PRIMARY KEY (room, during WITHOUT OVERLAPS))`, { from: 18 }),
] as const;
