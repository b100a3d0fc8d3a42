import { kind } from './kind.ts';
import type { Place } from './place.ts';

/** Functions that call themselves immutable and are not: by the settings that their results depend on. */
const liars = [
  ['timestamp with time zone', 'timestamptz', 'date', "'SELECT $1::date'"],
  ['timestamp with time zone', 'timestamptz', 'text', "'SELECT $1::text'"],
  ['timestamp with time zone', 'timestamptz', 'double precision', "'SELECT extract(hour FROM $1)::double precision'"],
  ['text', 'text', 'tsvector', "'SELECT to_tsvector($1)'"],
  ['date', 'date', 'text', "'SELECT $1::text'"],
  ['integer', 'integer', 'text', "'SELECT make_interval(days => $1 % 100000, hours => 7)::text'"],
  ['numeric', 'numeric', 'text', "'SELECT to_char($1, ''L999D99'')'"],
  ['integer', 'integer', 'text', "'SELECT to_char(timestamp ''2025-05-01'', ''TMMonth'') || ($1 % 3)'"],
  ['double precision', 'double precision', 'text', "'SELECT $1::text'"],
  ['integer', 'integer', 'text', "'SELECT $1 || current_setting(''app.tenant'', true)'"],
] as const;

async function trap(p: Place, make: (table: string, call: string, returns: string) => string): Promise<string> {
  const [columnType, argument, returns, body] = p.pick(liars);
  const { table, name } = await p.column(`^${columnType}$`, "a.attgenerated = ''");
  const f = await p.fresh('lie');
  const quoted = p.chance(0.3) ? ['plpgsql', body.replace("'SELECT ", "'BEGIN RETURN ").replace(/'$/, "; END'")] : ['sql', body];
  return `CREATE FUNCTION ${f}(${argument}) RETURNS ${returns} LANGUAGE ${quoted[0]} IMMUTABLE AS ${quoted[1]}; ${make(table, `${f}(${name})`, returns)}`;
}

export const trapKinds = [
  kind('index over settings', (p) => trap(p, (table, call, returns) => `CREATE INDEX ${p.name('i')} ON ${table} ${returns === 'tsvector' ? `USING gin (${call})` : `(${call})`}`), { weight: 2 }),
  kind('partial index over settings', (p) => trap(p, (table, call) => `CREATE INDEX ${p.name('i')} ON ${table} ((1)) WHERE ${call}::text > 'B'`)),
  kind('check over settings', (p) => trap(p, (table, call) => `ALTER TABLE ${table} ADD CONSTRAINT ${p.name('ck')} CHECK (${call} IS NOT NULL OR true)`)),
  kind('generated column over settings', (p) => trap(p, (table, call, returns) => `ALTER TABLE ${table} ADD ${p.name('g')} ${returns} GENERATED ALWAYS AS (${call}) STORED`)),
  kind('materialized view over settings', async (p) => {
    const { table, name } = await p.column('^(timestamp with time zone|date|double precision)$');
    return `CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT ${name}::text AS x FROM ${table}`;
  }),
  kind('materialized view of days', async (p) => {
    const { table, name } = await p.column('^timestamp with time zone$');
    return `CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT ${name}::date AS x, count(*) AS many FROM ${table} GROUP BY 1`;
  }),
  kind('materialized view of words', async (p) => {
    const { table, name } = await p.column('^text$');
    return `CREATE MATERIALIZED VIEW ${await p.fresh('m')} AS SELECT to_tsvector(left(${name}, 100)) AS x FROM ${table}`;
  }),
  kind('generated tsvector', async (p) => {
    const { table, name } = await p.column('^text$', "a.attgenerated = ''");
    return `ALTER TABLE ${table} ADD ${p.name('g')} tsvector GENERATED ALWAYS AS (to_tsvector('english', left(${name}, 1000))) STORED`;
  }),
  kind('domain over a function', async (p) => {
    const f = await p.fresh('lie');
    return `CREATE FUNCTION ${f}(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT to_tsvector($1) IS NOT NULL'; CREATE DOMAIN ${await p.fresh('d')} AS text CHECK (${f}(VALUE))`;
  }),
] as const;
