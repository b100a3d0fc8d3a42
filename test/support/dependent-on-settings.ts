/** What depends on the settings of the session that computes it, in each place where PostgreSQL keeps results. */
export const dependent = `
  CREATE FUNCTION day(timestamptz) RETURNS date LANGUAGE sql IMMUTABLE AS 'SELECT $1::date';
  CREATE FUNCTION words(text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS 'SELECT to_tsvector($1)';
  CREATE FUNCTION shown(money) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text';
  CREATE TABLE orders (
    id integer PRIMARY KEY, at timestamptz DEFAULT '2026-01-01 00:00+09', note text, price money,
    lexemes tsvector GENERATED ALWAYS AS (words(note)) STORED);
  INSERT INTO orders (id, at, note, price)
    SELECT n, '2026-03-01 00:00+00'::timestamptz + n * interval '1 hour', 'die Häuser der Hunde ' || n, n FROM generate_series(1, 500) n;
  CREATE INDEX by_day ON orders (day(at));
  CREATE UNIQUE INDEX by_day_and_id ON orders (id, day(at));
  CREATE INDEX by_price ON orders (shown(price)) WHERE day(at) > '2026-03-05';
  CREATE INDEX by_words ON orders USING gin (words(note));
  CREATE MATERIALIZED VIEW days AS SELECT at::date AS day, count(*) FROM orders GROUP BY 1;`;

/** The same questions answered by the indexes and without them. */
export const answers = ['on', 'off']
  .map(
    (way) => `
    SET enable_seqscan = ${way === 'on' ? 'off' : 'on'}; SET enable_indexscan = ${way}; SET enable_bitmapscan = ${way};
    SELECT count(*) FROM orders WHERE day(at) = '2026-03-07';
    SELECT count(*) FROM orders WHERE words(note) @@ to_tsquery('haus');
    SELECT count(*) FROM orders WHERE day(at) > '2026-03-05' AND shown(price) = shown(400::money);`,
  )
  .join('')
  .concat(`SELECT string_agg(day || ' ' || count, ', ' ORDER BY day) FROM days`);
