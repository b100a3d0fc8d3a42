import type pg from 'pg';

export type Facts = Map<string, unknown>;

const userSchema = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`;

async function rows(client: pg.Client, sql: string, values: unknown[] = []): Promise<Record<string, string>[]> {
  return (await client.query<Record<string, string>>(sql, values)).rows;
}

/** What a query answers, or how it fails. */
async function answer(client: pg.Client, sql: string, values: unknown[] = []): Promise<unknown> {
  try {
    return Object.values((await client.query(sql, values)).rows[0] ?? {})[0];
  } catch (error) {
    return `fails: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Every row counts; of small relations the rows themselves are kept, for the person who looks into a difference. */
function contentOf(relation: string, columns: string): string {
  return `SELECT json_build_array(count(*), md5(coalesce(string_agg(md5(r), '' ORDER BY r COLLATE "C"), '')), CASE WHEN count(*) <= 30 THEN json_agg(left(r, 160) ORDER BY r COLLATE "C") END)
    FROM (SELECT ROW(${columns})::text AS r FROM ${relation} AS t) x`;
}

const columnList = `(SELECT coalesce(string_agg(format('t.%I', a.attname), ', ' ORDER BY a.attname COLLATE "C"), '') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;

/** Rows of tables (of extensions, too), of partition trees, of materialized views; what views answer; where sequences stand. */
export async function readContents(client: pg.Client, facts: Facts): Promise<void> {
  // Hashes of enums come from numbers that every database gives anew: rows lie in other leaves, and only the tree counts.
  const moving = `EXISTS (SELECT FROM pg_partition_ancestors(c.oid) p JOIN pg_partitioned_table x ON x.partrelid = p.relid JOIN pg_attribute a ON a.attrelid = x.partrelid AND a.attnum = ANY (x.partattrs) JOIN pg_type y ON y.oid = a.atttypid WHERE x.partstrat = 'h' AND y.typtype = 'e')`;
  const relations = await rows(
    client,
    `SELECT c.relkind AS kind, format('%I.%I', n.nspname, c.relname) AS name, ${columnList} AS columns, (${moving})::text AS moving, c.relispopulated::text AS populated
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${userSchema} AND c.relkind IN ('r', 'p', 'm', 'v', 'S') ORDER BY 2`,
  );
  for (const { kind, name = '', columns = '', moving: isMoving, populated } of relations) {
    if (kind === 'S') facts.set(`position of sequence ${name}`, await answer(client, `SELECT json_build_array(last_value, is_called) FROM ${name}`));
    else if (populated === 'true' && !(kind === 'r' && isMoving === 'true')) {
      facts.set(`${kind === 'v' ? 'answer of view' : 'rows of'} ${name}`, await answer(client, contentOf(kind === 'r' ? `ONLY ${name}` : name, columns)));
    }
  }
}

const indexes = `SELECT format('%I.%I', n.nspname, i.relname) AS name, format('%I.%I', tn.nspname, t.relname) AS "table", m.amname AS method, pg_get_indexdef(x.indexrelid, 1, false) AS expression,
    coalesce(pg_get_expr(x.indpred, x.indrelid), 'true') AS predicate, format_type(coalesce(nullif(o.opckeytype, 0), 0), NULL) AS key, format_type(o.opcintype, NULL) AS input,
    (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = x.indexrelid AND a.attnum = 1) AS stored,
    (SELECT format('OPERATOR(%I.%s)', p.oprnamespace::regnamespace::text, p.oprname) FROM pg_amop q JOIN pg_operator p ON p.oid = q.amopopr WHERE q.amopfamily = o.opcfamily AND q.amoppurpose = 's' AND q.amoplefttype = o.opcintype AND q.amoprighttype = o.opcintype
      AND p.oprname IN ('=', '@>', '&&', '~~') ORDER BY array_position(ARRAY['=', '@>', '&&', '~~']::name[], p.oprname) LIMIT 1) AS operator,
    (SELECT CASE WHEN a.attcollation <> 0 THEN (SELECT format(' COLLATE %I.%I', c.collnamespace::regnamespace::text, c.collname) FROM pg_collation c WHERE c.oid = a.attcollation) END FROM pg_attribute a WHERE a.attrelid = x.indexrelid AND a.attnum = 1) AS collation
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_namespace n ON n.oid = i.relnamespace JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace JOIN pg_am m ON m.oid = i.relam JOIN pg_opclass o ON o.oid = x.indclass[0]
  WHERE i.relkind = 'i' AND x.indisvalid AND t.relispopulated AND n.nspname !~ '^pg_' ORDER BY 1`;

/** Of the settings that the owner's sessions have in this database, those that change what expressions yield. */
const changesResults = /^(timezone|datestyle|intervalstyle|default_text_search_config|lc_\w+|extra_float_digits|bytea_output|\w+\.\w+)$/i;

/** Whether each index answers what the heap answers, asked under the settings of the owner's sessions, for values that are there. */
export async function readIndexAnswers(client: pg.Client, facts: Facts): Promise<void> {
  const settings = await rows(
    client,
    `SELECT split_part(x, '=', 1) AS name, substr(x, strpos(x, '=') + 1) AS value FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) x
    WHERE d.datname = current_database() AND s.setrole IN (0, d.datdba) ORDER BY s.setrole`,
  );
  await client.query('RESET timezone; RESET datestyle; RESET intervalstyle; RESET default_text_search_config; RESET extra_float_digits; RESET bytea_output; RESET lc_monetary');
  for (const { name = '', value = '' } of settings) {
    if (changesResults.test(name)) await client.query('SELECT set_config($1, $2, false)', [name, value]);
  }
  for (const index of await rows(client, indexes)) {
    const { name = '', table = '', expression = '', predicate = '', collation } = index;
    const isWords = (index.stored === 'text' && index.input === 'tsvector') || index.input === 'tsvector';
    const operator = isWords ? '@@' : index.operator;
    if (operator === null || operator === undefined) continue;
    // An index of a domain, an array or a lossy key stores another type than the expression has.
    const type = isWords
      ? 'tsquery'
      : index.method === 'btree' || index.method === 'hash'
        ? index.stored
        : await answer(client, `SELECT pg_typeof((SELECT ${expression} FROM ONLY ${table} LIMIT 1))::text`);
    const value = isWords ? `array_to_string(tsvector_to_array((${expression})), ' & ')` : `(${expression})::text`;
    await plans(client, 'heap');
    const samples = await answer(
      client,
      `SELECT json_agg(v ORDER BY md5(v)) FROM (SELECT DISTINCT ${value} AS v FROM ONLY ${table} WHERE (${predicate}) AND length(${value}) < 2000 LIMIT 60) x WHERE v <> ''`,
    );
    facts.set(`answer of index ${name}`, 'as the heap');
    if (!Array.isArray(samples)) continue;
    const wanted = isWords ? "plainto_tsquery('simple', u)" : `u::${String(type)}`;
    const question = `SELECT json_agg((SELECT count(*) FROM ONLY ${table} WHERE (${predicate}) AND (${expression})${collation ?? ''} ${operator} v.x)) FROM unnest($1::text[]) u, LATERAL (SELECT ${wanted} AS x OFFSET 0) v`;
    const heap = await answer(client, question, [samples.slice(0, 25)]);
    await plans(client, 'index');
    const found = await answer(client, question, [samples.slice(0, 25)]);
    facts.set(`answer of index ${name}`, JSON.stringify(heap) === JSON.stringify(found) ? 'as the heap' : { heap, found, samples: samples.slice(0, 5), table });
  }
}

async function plans(client: pg.Client, from: 'heap' | 'index'): Promise<void> {
  const isHeap = from === 'heap';
  for (const [name, isOn] of [
    ['enable_seqscan', isHeap],
    ['enable_indexscan', !isHeap],
    ['enable_indexonlyscan', !isHeap],
    ['enable_bitmapscan', !isHeap],
  ] as const) {
    await client.query(`SET ${name} = ${isOn ? 'on' : 'off'}`);
  }
}
