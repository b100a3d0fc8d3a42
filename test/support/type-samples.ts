/** Values of every type that a column can have, for servers of several majors. */
export interface TypeSamples {
  readonly type: string;
  /** Different values, as texts that the type's input function takes. */
  readonly values: readonly string[];
}

const everywhere: readonly TypeSamples[] = [
  { type: 'aclitem', values: ['=r/postgres', 'postgres=arwdDxt/postgres'] },
  { type: 'bit(4)', values: ['0000', '1010', '1011'] },
  { type: 'boolean', values: ['true', 'false'] },
  { type: 'box', values: ['((1,1),(0,0))', '((1.5,Infinity),(-0,NaN))'] },
  { type: 'bytea', values: ['', String.raw`\x00`, String.raw`\x00ff5c78`, String.raw`\x0000`] },
  { type: '"char"', values: ['a', ' ', String.raw`\ `.trim(), '"', "'"] },
  { type: 'char(5)', values: ['', 'a', 'a"b', 'é漢😀'] },
  { type: 'cid', values: ['0', '4294967295'] },
  { type: 'cidr', values: ['10.0.0.0/8', '10.0.0.0/9', '::/0', 'fe80::/10'] },
  { type: 'circle', values: ['<(0,0),1>', '<(0.1,1e300),Infinity>'] },
  {
    type: 'date',
    values: ['infinity', '-infinity', '4713-01-01 BC', '0001-12-31 BC', '2024-02-29', '5874897-12-31'],
  },
  {
    type: 'double precision',
    values: [
      'NaN',
      'Infinity',
      '-Infinity',
      '0',
      '-0',
      '0.1',
      '0.10000000000000002',
      '5e-324',
      '1.7976931348623157e308',
    ],
  },
  { type: 'inet', values: ['10.0.0.1', '10.0.0.1/8', '::1', '::1/64'] },
  { type: 'int2vector', values: ['', '1 2', '2 1'] },
  { type: 'integer', values: ['0', '-2147483648', '2147483647'] },
  { type: 'bigint', values: ['0', '9007199254740992', '9007199254740993', '-9223372036854775808'] },
  { type: 'smallint', values: ['-32768', '32767'] },
  {
    type: 'interval',
    values: [
      '1 mon',
      '30 days',
      '1 day',
      '24:00:00',
      '-1 year 2 mons -3 days 04:05:06.700001',
      '178000000 years',
    ],
  },
  { type: 'interval day to second(3)', values: ['1 day 00:00:00.001', '1 day'] },
  {
    type: 'json',
    values: [
      '{"b": 1, "a": 2}',
      '{"b":1,"a":2}',
      '{"a": 1, "a": 2}',
      '1.0',
      '1.00',
      'null',
      String.raw`"\u0000"`,
    ],
  },
  { type: 'jsonb', values: ['{"b": 1}', '{"b": 1.0}', '[null, "null"]', 'null', String.raw`"\n\"\\ é😀"`] },
  { type: 'jsonpath', values: ['$', '$."a b"[*] ? (@ > 1)', 'strict $.a'] },
  { type: 'line', values: ['{1,2,3}', '{1,2,3.0000000000000004}'] },
  { type: 'lseg', values: ['[(0,0),(1,1)]', '[(1,1),(0,0)]'] },
  { type: 'macaddr', values: ['08:00:2b:01:02:03', '08:00:2b:01:02:04'] },
  { type: 'macaddr8', values: ['08:00:2b:01:02:03:04:05', '08:00:2b:ff:fe:01:02:03'] },
  { type: 'money', values: ['-92233720368547758.08', '0.01', '1234567.89'] },
  { type: 'name', values: ['', 'a "quoted" name', 'x'.repeat(63)] },
  {
    type: 'numeric',
    values: ['NaN', '1', '1.0', '1.00', '-0.000000000000000000001', `1${'0'.repeat(200)}.${'9'.repeat(200)}`],
  },
  { type: 'numeric(20, 5)', values: ['NaN', '123456789012345.67891', '123456789012345.67892'] },
  { type: 'oid', values: ['0', '4294967295'] },
  { type: 'oidvector', values: ['', '1 4294967295'] },
  { type: 'path', values: ['((0,0),(1,1))', '[(0,0),(1,1)]'] },
  { type: 'pg_lsn', values: ['0/0', 'FFFFFFFF/FFFFFFFF'] },
  { type: 'pg_snapshot', values: ['10:20:10,14,15', '10:20:10,14'] },
  { type: 'point', values: ['(1.5,-0)', '(1.5,0)', '(NaN,Infinity)'] },
  { type: 'polygon', values: ['((0,0),(1,1),(1,0))', '((1,1),(0,0),(1,0))'] },
  { type: 'real', values: ['NaN', '-Infinity', '-0', '0.1', '0.10000001', '3.4028235e38', '1e-45'] },
  { type: 'refcursor', values: ['a cursor', ''] },
  { type: 'regclass', values: ['pg_catalog.pg_class', '-', '"information_schema"."tables"'] },
  { type: 'regcollation', values: ['"C"', '"POSIX"'] },
  { type: 'regconfig', values: ['english', 'simple'] },
  { type: 'regdictionary', values: ['english_stem', 'simple'] },
  { type: 'regnamespace', values: ['pg_catalog', 'information_schema'] },
  { type: 'regoper', values: ['|/', '||/'] },
  { type: 'regoperator', values: ['+(integer,integer)', '*(integer,integer)'] },
  { type: 'regproc', values: ['now', '-'] },
  { type: 'regprocedure', values: ['abs(integer)', 'abs(bigint)'] },
  { type: 'regrole', values: ['postgres', 'pg_monitor'] },
  { type: 'regtype', values: ['integer', 'timestamp with time zone', 'text[]'] },
  {
    type: 'text',
    values: [
      '',
      ' ',
      'NULL',
      'null',
      '{',
      ',',
      '"',
      "''",
      String.raw`\N`,
      String.raw`\.`,
      '\\',
      '\n',
      '\r\n',
      '\t',
      '\v\b\f\u0001',
      'é',
      'e\u0301',
      '😀',
      '(a,"b")',
      '$1',
      '%s',
    ],
  },
  { type: 'tid', values: ['(0,1)', '(4294967295,65535)'] },
  { type: 'time', values: ['00:00', '24:00:00', '23:59:59.999999'] },
  { type: 'time(2)', values: ['00:00:00.01', '00:00:00.02'] },
  { type: 'timetz', values: ['12:00+00', '12:00+05:30', '12:00-15:59'] },
  {
    type: 'timestamp',
    values: [
      'infinity',
      '-infinity',
      '4713-01-01 00:00 BC',
      '2026-11-22 14:25:00.123456',
      '294276-12-31 23:59:59.999999',
    ],
  },
  {
    type: 'timestamptz',
    values: [
      'infinity',
      '-infinity',
      '2026-03-29 01:30:00+02',
      '2026-03-29 01:30:00+01',
      '0044-03-15 12:00:00+00 BC',
    ],
  },
  { type: 'tsquery', values: ["'fat' & !'rat'", "'fat' <2> 'ra t':*AB", "'it''s'"] },
  { type: 'tsvector', values: ['', "'cat':1A,3 'fat':2B", "'cat':1,3 'fat':2", "'it''s \\\\'"] },
  { type: 'txid_snapshot', values: ['10:20:10,14,15', '10:20:'] },
  { type: 'uuid', values: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] },
  { type: 'varbit', values: ['', '0', '00', '1'] },
  { type: 'varchar(20)', values: ['', ' ', 'é'.repeat(20)] },
  { type: 'xid', values: ['0', '4294967295'] },
  { type: 'xid8', values: ['0', '18446744073709551615'] },
  { type: 'xml', values: ['<a/>', '<a></a>', 'text &amp; <!-- no root -->', '<a href="é">]]&gt;</a>'] },
  { type: 'daterange', values: ['empty', '(,)', '[2026-01-01,infinity)', '[2026-01-01,)'] },
  { type: 'int4range', values: ['empty', '[1,10)', '[1,)', '(,)'] },
  {
    type: 'int8range',
    values: ['[9007199254740992,9007199254740994)', '[9007199254740993,9007199254740994)'],
  },
  { type: 'numrange', values: ['[1,2]', '[1,2)', '[1.0,2)', '(,NaN]'] },
  { type: 'tsrange', values: ['["2026-01-01 00:00:00","infinity"]', '["2026-01-01 00:00:00",)'] },
  { type: 'tstzrange', values: ['["2026-03-29 01:30:00+02",)', '["2026-03-29 01:30:00+01",)'] },
  { type: 'own.mood', values: ['so "so"', 'NULL', ''] },
  { type: 'own.address', values: ['(,)', '("",)', '("Main, ""St"" 1","{""a,b"",NULL}")', '(NULL,)'] },
  { type: 'own.percentage', values: ['0.00', '99.99'] },
  { type: 'own.tags', values: ['{}', '{a,NULL}', '{a,"NULL"}'] },
  { type: 'own.checked_address', values: ['(a,)', '("",{})'] },
  { type: 'own.textrange', values: ['empty', '["a b",c)', '["",)', '(,"\\"")'] },
];

/** NaN has long been a numeric; infinity, and types made of several ranges, came with 14. */
const from14: readonly TypeSamples[] = [
  { type: 'numeric', values: ['Infinity', '-Infinity', 'NaN'] },
  { type: 'datemultirange', values: ['{}', '{[2026-01-01,2026-01-02),[2026-02-01,)}'] },
  { type: 'int4multirange', values: ['{}', '{[1,3),[5,8)}', '{[1,8)}'] },
  { type: 'int8multirange', values: ['{}', '{[1,3)}'] },
  { type: 'nummultirange', values: ['{[1,2]}', '{[1.0,2]}'] },
  { type: 'tsmultirange', values: ['{}', '{["2026-01-01 00:00:00",)}'] },
  { type: 'tstzmultirange', values: ['{}', '{["2026-03-29 01:30:00+02",)}'] },
  { type: 'own.textmultirange', values: ['{}', '{["a b",c),[x,)}'] },
];

/** Built-in types that no value can be given to: their input functions refuse, or the name is a pseudo-type's. */
export const withoutValues: readonly string[] = [
  'gtsvector',
  'pg_brin_bloom_summary',
  'pg_brin_minmax_multi_summary',
  'pg_dependencies',
  'pg_mcv_list',
  'pg_ndistinct',
  'pg_node_tree',
];

/** The types that a server of `major` has. */
export function typeSamples(major: number): readonly TypeSamples[] {
  return major >= 14 ? [...everywhere, ...from14] : everywhere;
}

/** Types of a user's own, which the samples use. */
export const ownTypes = `
CREATE SCHEMA own;
CREATE TYPE own.mood AS ENUM ('so "so"', 'NULL', '');
CREATE TYPE own.address AS (street text, tags text[]);
CREATE DOMAIN own.percentage AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN own.tags AS text[] CHECK (VALUE <> '{bad}');
CREATE DOMAIN own.checked_address AS own.address CHECK ((VALUE).street <> 'bad');
CREATE TYPE own.textrange AS RANGE (SUBTYPE = text, COLLATION = "C");
`;

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** SQL of a value, and of arrays that hold it with its neighbour and with NULL in one and in two dimensions. */
export function sampleSql({ type, values }: TypeSamples, index: number): { value: string; array: string } {
  const value = `CAST(${literal(values[index] ?? '')} AS ${type})`;
  const other = `CAST(${literal(values[(index + 1) % values.length] ?? '')} AS ${type})`;
  const array =
    index % 2 === 0
      ? `CAST(ARRAY[${value}, NULL, ${other}] AS ${type}[])`
      : `CAST(ARRAY[ARRAY[${value}, NULL], ARRAY[NULL, ${other}]] AS ${type}[])`;
  return { value, array };
}

/** A table `types.of_<n>` for each type, with its values, NULL, and arrays of them. */
export function typeTables(major: number): string {
  const tables = typeSamples(major).map((samples, n) => {
    const rows = samples.values.map((_, index) => {
      const { value, array } = sampleSql(samples, index);
      return `(${index}, ${value}, ${array})`;
    });
    return `CREATE TABLE types.of_${n} (id integer PRIMARY KEY, v ${samples.type}, vs ${samples.type}[]);
      INSERT INTO types.of_${n} VALUES ${rows.join(', ')}, (-1, NULL, NULL), (-2, NULL, '{}');`;
  });
  return `${ownTypes}\nCREATE SCHEMA types;\n${tables.join('\n')}`;
}
