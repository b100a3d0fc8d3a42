/**
 * A schema that holds what breaks careless backups: every common type with its odd values, names that need quoting,
 * columns named like aliases, tables without columns or keys, inheritance with reordered columns, partitions,
 * stale materialized views, expressions that deparse differently after a restore, extensions in old versions.
 * An ordinary database owner can run it.
 */
export const nastySchema = String.raw`
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
  an_address public.address, some_addresses public.address[], a_regclass regclass, an_lsn pg_lsn,
  a_multirange int4multirange
);
INSERT INTO public.all_types (a_smallint, an_integer, a_bigint, a_numeric, a_percentage, a_real, a_double, a_money,
  a_text, a_varchar, a_char, a_name, a_citext, a_bytea, a_boolean, a_uuid, a_date, a_time, a_timetz, a_timestamp,
  a_timestamptz, an_interval, a_json, a_jsonb, an_xml, an_inet, a_cidr, a_macaddr, a_point, a_box, a_polygon, a_bit,
  a_varbit, a_tsvector, a_tsquery, an_int4range, a_tstzrange, some_ints, some_texts, some_moods, a_mood, an_address,
  some_addresses, a_regclass, an_lsn, a_multirange)
VALUES
 (-32768, 2147483647, 9223372036854775807, 'NaN', 99.99, 'NaN', 'Infinity', 12.34,
  E'tab\t newline\n quote'' backslash\\ dollar $1 é 漢 😀', 'short', 'ab', 'name', 'CaSe', '\x00ff10', true,
  '00000000-0000-0000-0000-000000000001', 'infinity', '23:59:59.999999', '12:00+05:30', '-infinity',
  '2026-11-22 14:25:00.123456+02', '1 year 2 mons -3 days 04:05:06.7', '{"b": 1,  "a": [1, 2.50]}',
  '{"b": 1, "a": [1, 2.50], "n": null}', '<a href="x">é</a>', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03',
  '(1.5,-0)', '((0,0),(1,1))', '((0,0),(1,1),(1,0))', B'1010', B'1', 'fat:2 cat:1', 'fat & !rat', '[1,10)',
  '[2026-01-01,)', '{1,NULL,3}', '{{a,"b c"},{"",NULL}}', '{sad,happy}', 'so-so', '("Main, ""St"" 1",12345,2020-01-01)',
  ARRAY[('x','y','2021-02-03')::public.address, NULL], 'public.all_types', '16/B374D848', '{[1,3),[5,8)}'),
 (0, 0, 0, 'Infinity', 0, '-0', '-0', 0, '', '', '', '', '', '', false, NULL, '4713-01-01 BC', '00:00', '00:00+00',
  'infinity', '-infinity', '-00:00:01', 'null', 'null', NULL, '::1', '::/0', NULL, NULL, NULL, NULL, B'0000', B'', '',
  '', 'empty', 'empty', '{}', '{}', '{}', 'sad', NULL, '{}', NULL, NULL, '{}');
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

CREATE SEQUENCE public.countdown INCREMENT BY -1 MAXVALUE 1000 START 1000;
SELECT nextval('public.countdown');
CREATE SEQUENCE public.never_used START 7;
CREATE SEQUENCE "Sales & Co."."Roundabout" MAXVALUE 5 CYCLE CACHE 3;
SELECT nextval('"Sales & Co."."Roundabout"');

CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.touched := clock_timestamp();
  INSERT INTO public.log (what) VALUES (TG_OP);
  RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON public.invoices FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE FUNCTION public.is_short(value text) RETURNS boolean LANGUAGE sql IMMUTABLE
  BEGIN ATOMIC SELECT pg_catalog.length(value) < 100; END;
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

GRANT SELECT ON public.invoices TO PUBLIC;
GRANT SELECT (t), UPDATE (q) ON public.t TO PUBLIC;
REVOKE ALL ON FUNCTION public.touch() FROM PUBLIC;
GRANT USAGE ON SCHEMA "Sales & Co." TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;

SELECT lo_from_bytea(70001, decode(repeat('00ff', 600000), 'hex'));
SELECT lo_from_bytea(70002, '');
SELECT lo_from_bytea(70003, 'small');
COMMENT ON LARGE OBJECT 70003 IS 'a small one';
GRANT SELECT ON LARGE OBJECT 70003 TO PUBLIC;
`;
