import { typeTables } from './type-samples.ts';

/**
 * A schema that holds what breaks careless backups: every type with its odd values, names that need quoting,
 * columns named like aliases, tables without columns or keys, inheritance with reordered columns, partitions,
 * stale materialized views, expressions that deparse differently after a restore, extensions in old versions, grants
 * to a role. An ordinary database owner can run it on a server of `major`; `reader` is a role that is there.
 */
export function nastySchema(major: number, reader: string): string {
  return `${typeTables(major)}${tables}${objects}${major >= 14 ? from14 : ''}${grants.replaceAll('READER', `"${reader}"`)}`;
}

const tables = String.raw`
CREATE SCHEMA extensions;
CREATE SCHEMA "Sales & Co.";
CREATE EXTENSION citext SCHEMA extensions VERSION '1.5';
CREATE EXTENSION pg_trgm SCHEMA public VERSION '1.5';
CREATE EXTENSION pgcrypto SCHEMA extensions;

CREATE TYPE public.mood AS ENUM ('sad', 'so-so', 'happy');
CREATE TYPE public.address AS (street text, "zip code" text, since date);
CREATE DOMAIN public.percentage AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);

CREATE TABLE public.all_types (
  id bigserial PRIMARY KEY,
  a_smallint smallint, an_integer integer, a_bigint bigint,
  a_numeric numeric, a_percentage public.percentage, a_real real, a_double double precision, a_money money,
  a_text text, a_varchar varchar(20), a_char char(5), a_name name, a_citext extensions.citext,
  a_bytea bytea, a_boolean boolean, a_uuid uuid, a_date date, a_time time, a_timetz timetz,
  a_timestamp timestamp, a_timestamptz timestamptz, an_interval interval,
  a_json json, a_jsonb jsonb, an_xml xml, an_inet inet, a_cidr cidr, a_macaddr macaddr,
  a_point point, a_box box, a_polygon polygon, a_bit bit(4), a_varbit varbit,
  a_tsvector tsvector, a_tsquery tsquery, an_int4range int4range, a_tstzrange tstzrange,
  some_ints int[], some_texts text[][], some_moods public.mood[], a_mood public.mood,
  an_address public.address, some_addresses public.address[], a_regclass regclass, an_lsn pg_lsn
);
INSERT INTO public.all_types (a_smallint, an_integer, a_bigint, a_numeric, a_percentage, a_real, a_double, a_money,
  a_text, a_varchar, a_char, a_name, a_citext, a_bytea, a_boolean, a_uuid, a_date, a_time, a_timetz, a_timestamp,
  a_timestamptz, an_interval, a_json, a_jsonb, an_xml, an_inet, a_cidr, a_macaddr, a_point, a_box, a_polygon, a_bit,
  a_varbit, a_tsvector, a_tsquery, an_int4range, a_tstzrange, some_ints, some_texts, some_moods, a_mood, an_address,
  some_addresses, a_regclass, an_lsn)
VALUES
 (-32768, 2147483647, 9223372036854775807, 'NaN', 99.99, 'NaN', 'Infinity', 12.34,
  E'tab\t newline\n quote'' backslash\\ dollar $1 é 漢 😀', 'short', 'ab', 'name', 'CaSe', '\x00ff10', true,
  '00000000-0000-0000-0000-000000000001', 'infinity', '23:59:59.999999', '12:00+05:30', '-infinity',
  '2026-11-22 14:25:00.123456+02', '1 year 2 mons -3 days 04:05:06.7', '{"b": 1,  "a": [1, 2.50]}',
  '{"b": 1, "a": [1, 2.50], "n": null}', '<a href="x">é</a>', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03',
  '(1.5,-0)', '((0,0),(1,1))', '((0,0),(1,1),(1,0))', B'1010', B'1', 'fat:2 cat:1', 'fat & !rat', '[1,10)',
  '[2026-01-01,)', '{1,NULL,3}', '{{a,"b c"},{"",NULL}}', '{sad,happy}', 'so-so', '("Main, ""St"" 1",12345,2020-01-01)',
  ARRAY[('x','y','2021-02-03')::public.address, NULL], 'public.all_types', '16/B374D848'),
 (0, 0, 0, '-0.00', 0, '-0', '-0', 0, '', '', '', '', '', '', false, NULL, '4713-01-01 BC', '00:00', '00:00+00',
  'infinity', '-infinity', '-00:00:01', 'null', 'null', NULL, '::1', '::/0', NULL, NULL, NULL, NULL, B'0000', B'', '',
  '', 'empty', 'empty', '{}', '{}', '{}', 'sad', NULL, '{}', NULL, NULL);
INSERT INTO public.all_types DEFAULT VALUES;

CREATE TABLE public.t (t text PRIMARY KEY, q integer);
INSERT INTO public.t VALUES ('t', 1), ('(t)', 2);
CREATE TABLE public.q (q text, t text);
INSERT INTO public.q VALUES ('a', 'b'), ('a', 'b');
CREATE TABLE public.no_columns ();
INSERT INTO public.no_columns DEFAULT VALUES;
INSERT INTO public.no_columns DEFAULT VALUES;
CREATE TABLE public.empty (id integer PRIMARY KEY);
CREATE UNLOGGED TABLE public.scratchpad (note text);
INSERT INTO public.scratchpad VALUES ('kept while the server lives');
CREATE TABLE public.dropped_column (a integer, b integer, c integer);
ALTER TABLE public.dropped_column DROP COLUMN b;
INSERT INTO public.dropped_column VALUES (1, 3);

CREATE TABLE "Sales & Co."."Weird ""Table"" name; --" (
  "Id" integer GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10) PRIMARY KEY,
  "a ""quoted"" column" text DEFAULT 'it''s',
  "select" integer NOT NULL CHECK ("select" > 0),
  doubled integer GENERATED ALWAYS AS ("select" * 2) STORED
);
INSERT INTO "Sales & Co."."Weird ""Table"" name; --" ("select") VALUES (1), (2), (3);
COMMENT ON TABLE "Sales & Co."."Weird ""Table"" name; --" IS E'a comment\nwith ''quotes''; and --\n-- Name: x; Type: TABLE; Schema: y; Owner: z';
COMMENT ON COLUMN public.t.t IS 'a column named like its table';

CREATE TABLE public.invoices (
  id serial PRIMARY KEY,
  status varchar(10) NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'sent', 'paid')),
  kind text CHECK (kind = ANY (ARRAY['a', 'b'])),
  total numeric(12, 2) NOT NULL DEFAULT 0,
  touched timestamptz
);
CREATE INDEX invoices_open ON public.invoices (id) WHERE status IN ('draft', 'sent');
CREATE UNIQUE INDEX invoices_kind ON public.invoices (lower(kind), id DESC NULLS LAST) INCLUDE (total);
CREATE INDEX invoices_trgm ON public.invoices USING gin (kind public.gin_trgm_ops);
INSERT INTO public.invoices (status, kind, total)
  SELECT (ARRAY['draft', 'sent', 'paid'])[n % 3 + 1], (ARRAY['a', 'b'])[n % 2 + 1], n / 3.0 FROM generate_series(1, 2000) n;
CREATE TABLE public.lines (
  invoice_id integer NOT NULL REFERENCES public.invoices ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  line integer, note text, PRIMARY KEY (invoice_id, line), EXCLUDE USING btree (note WITH =) WHERE (note IS NOT NULL)
);
INSERT INTO public.lines SELECT n, 1, 'note ' || n FROM generate_series(1, 50) n;
CREATE TABLE public.log (at timestamptz DEFAULT clock_timestamp(), what text);

CREATE TABLE public.parent (a integer, b text);
CREATE TABLE public.child (own integer) INHERITS (public.parent);
ALTER TABLE public.parent ADD COLUMN later text DEFAULT 'later';
INSERT INTO public.parent VALUES (1, 'p');
INSERT INTO public.child (a, b, own, later) VALUES (2, 'c', 3, 'x');

CREATE TABLE public.events (id bigint GENERATED BY DEFAULT AS IDENTITY, at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 PARTITION OF public.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.events_rest (what text, id bigint NOT NULL, at date NOT NULL);
ALTER TABLE public.events ATTACH PARTITION public.events_rest DEFAULT;
CREATE INDEX ON public.events (what);
INSERT INTO public.events (at, what) SELECT date '2025-06-01' + n, 'event ' || n FROM generate_series(1, 400) n;
`;

const objects = `
CREATE SEQUENCE public.countdown INCREMENT BY -1 MAXVALUE 1000 START 1000;
SELECT nextval('public.countdown');
CREATE SEQUENCE public.never_used START 7;
CREATE SEQUENCE "Sales & Co."."Roundabout" MAXVALUE 5 CYCLE CACHE 3;
SELECT nextval('"Sales & Co."."Roundabout"');

CREATE TABLE public.left_side (id integer PRIMARY KEY, other integer);
CREATE TABLE public.right_side (id integer PRIMARY KEY, other integer REFERENCES public.left_side DEFERRABLE);
ALTER TABLE public.left_side ADD FOREIGN KEY (other) REFERENCES public.right_side DEFERRABLE INITIALLY DEFERRED;
BEGIN; INSERT INTO public.left_side VALUES (1, 1); INSERT INTO public.right_side VALUES (1, 1); COMMIT;
CREATE TABLE public.orphans (id integer);
INSERT INTO public.orphans VALUES (99);
ALTER TABLE public.orphans ADD FOREIGN KEY (id) REFERENCES public.left_side NOT VALID;
CREATE TABLE public.bookings (during tstzrange, EXCLUDE USING gist (during WITH &&));
CREATE COLLATION public.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE public.collated (a text COLLATE public.loose UNIQUE, b text COLLATE "C");
INSERT INTO public.collated VALUES ('A', 'a');
CREATE TEXT SEARCH DICTIONARY public.words (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION public.plain (COPY = english);
ALTER TEXT SEARCH CONFIGURATION public.plain ALTER MAPPING FOR asciiword WITH public.words;
CREATE TABLE public.documents (body text, found tsvector GENERATED ALWAYS AS (to_tsvector('public.plain', body)) STORED);
CREATE INDEX ON public.documents USING gin (found);
INSERT INTO public.documents VALUES ('the quick fox');
CREATE FUNCTION public.join_moods(public.mood, public.mood) RETURNS public.mood LANGUAGE sql IMMUTABLE AS 'SELECT greatest($1, $2)';
CREATE OPERATOR public.+ (LEFTARG = public.mood, RIGHTARG = public.mood, FUNCTION = public.join_moods, COMMUTATOR = OPERATOR(public.+));
CREATE AGGREGATE public.best_mood(public.mood) (SFUNC = public.join_moods, STYPE = public.mood);
CREATE FUNCTION public.to_mood(integer) RETURNS public.mood LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN $1 > 0 THEN ''happy''::public.mood ELSE ''sad'' END';
CREATE CAST (integer AS public.mood) WITH FUNCTION public.to_mood(integer) AS ASSIGNMENT;
CREATE VIEW public.moods (best, "second column") AS SELECT public.best_mood(a_mood), 'happy'::public.mood OPERATOR(public.+) 'sad' FROM public.all_types;
CREATE VIEW public.moods_again AS SELECT best AS "renamed %s" FROM public.moods WHERE best IN ('sad', 'happy');
CREATE TABLE public.typed OF public.address (PRIMARY KEY (street));
CREATE TABLE public.stored_oddly (a text, b text) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE public.stored_oddly ALTER a SET STORAGE EXTERNAL, ALTER a SET STATISTICS 77, ALTER b SET (n_distinct = 5);
CREATE INDEX oddly ON public.stored_oddly (a text_pattern_ops, b DESC);
ALTER TABLE public.stored_oddly CLUSTER ON oddly, REPLICA IDENTITY FULL;
CREATE TABLE public.by_hash (id integer, kind text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE public.by_hash_a PARTITION OF public.by_hash FOR VALUES IN ('a', NULL) PARTITION BY HASH (id);
CREATE TABLE public.by_hash_a0 PARTITION OF public.by_hash_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.by_hash_a1 PARTITION OF public.by_hash_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.by_hash SELECT n, 'a' FROM generate_series(1, 20) n;
CREATE TABLE public.to_partitions (id integer, kind text, FOREIGN KEY (id, kind) REFERENCES public.by_hash);
CREATE SEQUENCE public.worn_out AS smallint MAXVALUE 2;
SELECT nextval('public.worn_out'), nextval('public.worn_out');
CREATE SEQUENCE public.owned OWNED BY public.orphans.id;

CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.touched := clock_timestamp();
  INSERT INTO public.log (what) VALUES (TG_OP);
  RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE FUNCTION public.is_short(value text) RETURNS boolean LANGUAGE sql IMMUTABLE
  AS 'SELECT pg_catalog.length(value) < 100';
ALTER TABLE public.lines ADD CONSTRAINT short_note CHECK (public.is_short(note)) NOT VALID;
CREATE PROCEDURE public.nothing() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE public.total(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0');

CREATE VIEW public.open_invoices WITH (security_barrier) AS
  SELECT i.*, coalesce(i.kind, 'none') AS shown FROM public.invoices i WHERE i.status IN ('draft', 'sent');
CREATE RULE protect AS ON DELETE TO public.open_invoices DO INSTEAD NOTHING;
CREATE MATERIALIZED VIEW public.totals AS SELECT status, sum(total) AS sum FROM public.invoices GROUP BY status;
CREATE UNIQUE INDEX ON public.totals (status);
CREATE MATERIALIZED VIEW public.unpopulated AS SELECT 1 AS one WITH NO DATA;
INSERT INTO public.invoices (kind) VALUES ('a');

ALTER TABLE public.lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_lines ON public.lines USING (note IN ('a', 'b') OR current_user = note);
CREATE STATISTICS public.invoice_stats (dependencies) ON status, kind FROM public.invoices;
CREATE PUBLICATION changes FOR TABLE public.invoices, public.lines;

`;

const from14 = `
CREATE FUNCTION public.is_long(value text) RETURNS boolean LANGUAGE sql IMMUTABLE
  BEGIN ATOMIC SELECT NOT public.is_short(value); END;
CREATE TABLE public.compressed (a text COMPRESSION pglz, b int4multirange, c numeric);
INSERT INTO public.compressed VALUES (repeat('squeeze me ', 10000), '{[1,3),[5,8)}', '-Infinity');
CREATE STATISTICS public.expression_stats ON lower(kind), (total * 2) FROM public.invoices;
`;

const grants = `
GRANT SELECT ON public.invoices TO PUBLIC;
GRANT SELECT (t), UPDATE (q) ON public.t TO PUBLIC;
REVOKE ALL ON FUNCTION public.touch() FROM PUBLIC;
GRANT USAGE ON SCHEMA "Sales & Co." TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
GRANT SELECT, INSERT ON public.invoices TO READER WITH GRANT OPTION;
GRANT UPDATE (total) ON public.invoices TO READER;
GRANT USAGE ON SEQUENCE public.countdown TO READER;
CREATE POLICY reading ON public.lines AS RESTRICTIVE FOR SELECT TO READER USING (line IN (1, 2));
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO READER;
ALTER DEFAULT PRIVILEGES IN SCHEMA "Sales & Co." GRANT SELECT, UPDATE ON TABLES TO READER WITH GRANT OPTION;

SELECT lo_from_bytea(70001, decode(repeat('00ff', 600000), 'hex'));
SELECT lo_from_bytea(70002, '');
SELECT lo_from_bytea(70003, 'small');
COMMENT ON LARGE OBJECT 70003 IS 'a small one';
GRANT SELECT ON LARGE OBJECT 70003 TO PUBLIC;
`;
