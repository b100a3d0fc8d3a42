import { kind } from './kind.ts';
import { isNoMember, type Place } from './place.ts';

/** `CREATE INDEX` on a column of such a type; `rest` gets the column. */
const index = (name: string, type: string, rest: (column: string) => string, more = {}) =>
  kind(
    `index ${name}`,
    async (p: Place) => {
      const { table, name: column } = await p.column(type);
      const body = rest(column);
      return `CREATE ${body.startsWith('UNIQUE') ? 'UNIQUE ' : ''}INDEX ${p.name('i')} ON ${table} ${body.replace(/^UNIQUE /, '')}`;
    },
    more,
  );

const common = '^(integer|bigint|text|date|timestamp with time zone|numeric|uuid|character varying)$';

export const indexKinds = [
  index('btree', common, (c) => `(${c})`, { weight: 3 }),
  index('btree descending', common, (c) => `(${c} DESC NULLS LAST)`),
  index('hash', common, (c) => `USING hash (${c})`),
  index('brin', '^(integer|bigint|date|timestamp with time zone|numeric)$', (c) => `USING brin (${c}) WITH (pages_per_range = 4, autosummarize = on)`),
  index('brin of another opclass', '^(integer|date)$', (c) => `USING brin (${c} ${c.length % 2 ? 'int4_bloom_ops' : 'int4_minmax_multi_ops'})`),
  index('gin of arrays', '^(text|integer)\\[\\]$', (c) => `USING gin (${c})`),
  index('gin of jsonb', '^jsonb$', (c) => `USING gin (${c})`),
  index('gin of jsonb paths', '^jsonb$', (c) => `USING gin (${c} jsonb_path_ops) WITH (fastupdate = off)`),
  index('gin of tsvector', '^tsvector$', (c) => `USING gin (${c})`),
  index('gist of ranges', '^(int4range|daterange|tstzrange)$', (c) => `USING gist (${c})`),
  index('gist of points', '^(point|box|circle)$', (c) => `USING gist (${c})`),
  index('spgist of texts', '^text$', (c) => `USING spgist (${c})`),
  index('spgist of ranges', '^int4range$', (c) => `USING spgist (${c})`),
  index('of an expression', '^(text|character varying)$', (c) => `(lower(${c}), length(${c}))`, {
    weight: 2,
  }),
  index('of a long expression', '^text$', (c) => `((coalesce(${c}, '') || '-' || coalesce(${c}, 'none')))`),
  index('partial', '^(character varying|text)$', (c) => `(${c}) WHERE ${c} IN ('draft', 'sent', 'a')`, {
    weight: 2,
  }),
  index('with INCLUDE', '^(integer|date)$', (c) => `(${c}) INCLUDE (tableoid)`.replace('tableoid', c)),
  index('unique', '^(integer|bigint|uuid)$', (c) => `UNIQUE (${c})`),
  index('unique with nulls not distinct', '^(integer|bigint|date)$', (c) => `UNIQUE (${c}) NULLS NOT DISTINCT`),
  index('unique and partial', '^(text|integer)$', (c) => `UNIQUE (${c}) WHERE ${c} IS NOT NULL AND ${c}::text <> 'a'`),
  index('with an opclass', '^text$', (c) => `(${c} text_pattern_ops)`),
  index('with a collation', '^text$', (c) => `(${c} COLLATE "C")`),
  index('with options', '^(integer|text)$', (c) => `(${c}) WITH (fillfactor = 60, deduplicate_items = off)`),
  index('of more columns', '^(integer|date|text)$', (c) => `(${c}, (${c} IS NULL), md5(${c}::text))`.replace(`, md5(${c}::text)`, '')),
  kind('index with a collation of ours', async (p) => {
    const { table, name } = await p.column('^text$');
    return `CREATE INDEX ${p.name('i')} ON ${table} (${name} COLLATE ${await p.object('pg_collation', 'coll')})`;
  }),
  kind('statistics target of an index', async (p) => {
    const index = await p.relation('i', 'EXISTS (SELECT FROM pg_index x WHERE x.indexrelid = c.oid AND x.indkey[0] = 0) AND NOT c.relispartition');
    return `ALTER INDEX ${index} ALTER COLUMN 1 SET STATISTICS 321`;
  }),
  kind('renamed index', async (p) => `ALTER INDEX ${await p.relation('i')} RENAME TO ${p.name('i')}`),
  kind('index options changed', async (p) => `ALTER INDEX ${await p.relation('i', "c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')")} SET (fillfactor = 77)`),
  kind('clustered table', async (p) => {
    const text =
      await p.one(`SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', i.relname))::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = i.relam
      WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND a.amname = 'btree' AND x.indpred IS NULL AND pg_has_role(c.relowner, 'USAGE') AND ${isNoMember('c')}`);
    const [table, index] = JSON.parse(text) as [string, string];
    return `ALTER TABLE ${table} CLUSTER ON ${index}`;
  }),
  kind('replica identity by an index', async (p) => {
    const text =
      await p.one(`SELECT json_build_array(format('%I.%I', n.nspname, c.relname), format('%I', i.relname))::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND x.indisunique AND x.indisprimary AND pg_has_role(c.relowner, 'USAGE') AND ${isNoMember('c')}`);
    const [table, index] = JSON.parse(text) as [string, string];
    return `ALTER TABLE ${table} REPLICA IDENTITY USING INDEX ${index}`;
  }),
  kind('replica identity full', async (p) => `ALTER TABLE ${await p.table()} REPLICA IDENTITY ${p.pick(['FULL', 'NOTHING'])}`),
] as const;
