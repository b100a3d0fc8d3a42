import type { Random } from '../../faults/random.ts';
import { literal } from './names.ts';

/** Values as SQL by the name of their type, the odd ones first. */
const samples: Readonly<Record<string, readonly string[]>> = {
  integer: ['0', '-2147483648', '2147483647', '1', '2', '3', '42', '-7'],
  bigint: ['0', '-9223372036854775808', '9223372036854775807', '5', '100'],
  smallint: ['0', '-32768', '32767', '4'],
  numeric: ["'NaN'", '0', '-0.00', '123456789012345678901234567890.123456789', "'Infinity'", "'-Infinity'", '1.50', '7'],
  real: ["'NaN'", "'-0'", "'Infinity'", '1.1', '3.4028235e38', '1e-40'],
  'double precision': ["'NaN'", "'-0'", "'-Infinity'", '0.1', '1.7976931348623157e308', '0.30000000000000004'],
  money: ["'12.34'", "'-0.01'"],
  text: ["''", "'a'", "'Ä'", "'ab'", "E'tab\\tnewline\\n\\\\.'", "'漢😀'", "repeat('long ', 4000)", "md5('x')", "'NULL'", "'b'", "'B'"],
  'character varying': ["''", "'a'", "'draft'", "'sent'", "'Ünï'", "'b'"],
  character: ["'a'", "' '", "'é'"],
  '"char"': ["'x'"],
  name: ["'name'", "'Other'"],
  bytea: ["'\\x'", "'\\x00ff5c0a'", "decode(repeat('00ff5c0a', 1000), 'hex')"],
  boolean: ['true', 'false'],
  uuid: ["'00000000-0000-0000-0000-000000000000'", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  date: ["'infinity'", "'-infinity'", "'2026-02-28'", "'4713-01-01 BC'", "'2025-12-31'", "'2025-06-15'"],
  'time without time zone': ["'24:00'", "'00:00'", "'12:34:56.789012'"],
  'time with time zone': ["'12:00+14'", "'12:00-08'"],
  'timestamp without time zone': ["'infinity'", "'2026-03-29 02:30:00'", "'0001-01-01 BC'", "'2025-06-15 23:59:59.999999'"],
  'timestamp with time zone': ["'-infinity'", "'2026-01-01 23:30:00+00'", "'2025-06-30 20:00:00+00'", "'1890-01-01 00:00:00+00'", "'2025-10-26 00:30:00+00'"],
  interval: ["'1 mon 30 days'", "'-1 day +00:00:01'", "'0'", "'1 year -3 days 04:05:06.7'"],
  json: [`'{"b": 1,  "a": [1, 2.50]}'`, "'null'", `'{"a":1,"a":2}'`],
  jsonb: [`'{"b": 1,  "a": [1, 2.50], "n": null}'`, "'[]'", `'"x"'`, "'1e5'"],
  xml: ['\'<a href="x">é</a>\'', "'text only'"],
  inet: ["'10.0.0.1/8'", "'::1'"],
  cidr: ["'10.0.0.0/8'", "'::/0'"],
  macaddr: ["'08:00:2b:01:02:03'"],
  macaddr8: ["'08:00:2b:01:02:03:04:05'"],
  point: ["'(1.5,-0)'", "'(NaN,Infinity)'"],
  line: ["'{1,-1,0}'"],
  lseg: ["'[(0,0),(1,1)]'"],
  box: ["'((0,0),(1,1))'", "'((2,2),(3,3))'"],
  path: ["'((0,0),(1,1),(1,0))'", "'[(0,0),(1,1)]'"],
  polygon: ["'((0,0),(1,1),(1,0))'"],
  circle: ["'<(0,0),1>'"],
  bit: ["B'1'", "B'0'"],
  'bit varying': ["B''", "B'10101'"],
  tsvector: ["'fat:2A cat:1'", "''", "to_tsvector('simple', 'the quick fox')"],
  tsquery: ["'fat & !rat'", "'fat <-> cat'"],
  int4range: ["'[1,10)'", "'empty'", "'(,)'"],
  int8range: ["'[1,]'"],
  numrange: ["'(1.5,2.5]'", "'[NaN,]'"],
  daterange: ["'[2025-01-01,2025-02-01)'", "'empty'", "'[2026-01-01,infinity]'"],
  tsrange: ["'[2025-01-01,2025-02-01)'"],
  tstzrange: ["'[2025-01-01,)'", "'[2024-01-01 12:00+02,2024-01-02)'"],
  int4multirange: ["'{[1,3),[5,8)}'", "'{}'"],
  datemultirange: ["'{[2025-01-01,2025-02-01)}'"],
  oid: ['0', '4294967295'],
  pg_lsn: ["'16/B374D848'"],
  regtype: ["'integer'", "'text[]'"],
  regclass: ["'pg_catalog.pg_class'"],
  regrole: ["'pg_monitor'"],
  jsonpath: ["'$.a[*] ? (@ > 1)'"],
  citext: ["'CaSe'", "'case'", "''"],
  hstore: [`'"a"=>"1", "b"=>NULL'`, "''"],
  ltree: ["'Top.Science.Astronomy'", "''"],
  lquery: ["'*.Astronomy.*'"],
  cube: ["'(1,2),(3,4)'"],
};

/** Types that a column may have without anything made for it. */
export const plainTypes: readonly string[] = [
  ...Object.keys(samples).filter((name) => !/^(citext|hstore|ltree|lquery|cube|character varying|character|bit|bit varying|regclass|regrole)$/.test(name)),
  ...['varchar(10)', 'varchar', 'char(5)', 'bit(3)', 'varbit(8)', 'numeric(12, 2)', 'timestamptz(0)', 'interval year to month', 'time(3)'],
];

interface Typed {
  readonly type?: string;
  readonly kind?: string;
  readonly typname?: string;
  readonly labels?: string | null;
  readonly base?: string | null;
}

/** An SQL expression that the type may accept. */
export function sampleOf(random: Random, { type = '', kind, typname = '', labels, base }: Typed): string {
  if (labels !== null && labels !== undefined) return literal(random.pick(JSON.parse(labels) as string[]));
  if (kind === 'd') return sampleOf(random, { type: base ?? '' });
  if (type.endsWith('[]')) return arrayOf(random, type.slice(0, -2));
  const known = samples[type] ?? samples[typname];
  if (known !== undefined) return random.pick(known);
  if (kind === 'r') return "'empty'";
  if (kind === 'm') return "'{}'";
  // A composite type: whatever its columns are, they may be null.
  return kind === 'c' ? 'NULL' : 'DEFAULT';
}

function arrayOf(random: Random, element: string): string {
  const known = samples[element];
  if (known === undefined || random.number() < 0.3) return "'{}'";
  const items = [random.pick(known), 'NULL', random.pick(known)];
  return random.number() < 0.3 ? `ARRAY[ARRAY[${items.join(', ')}], ARRAY[${items.toReversed().join(', ')}]]::${element}[]` : `ARRAY[${items.join(', ')}]::${element}[]`;
}
