import type { IndexKey, UserCodeIndex } from './user-code-indexes.ts';

/**
 * Every row of the heap whose keys are NULL where `nulls` says so is looked for through the index. Answers `asked` and
 * `missed`, rows. The heap is read by a sample of all of it, which no index can take the place of; what is
 * looked for must be forced through the index by the session's settings. Columns are not qualified, because
 * PostgreSQL prints them so.
 */
export function lookUpRows(index: UserCodeIndex, nulls: readonly boolean[]): string {
  const columns = index.keys.map((key, place) => `${keyOf(key)} AS sm${place}`);
  const where = [
    ...(index.predicate === null ? [] : [index.predicate]),
    ...index.keys.map((key, place) => `${nulls[place] === true ? '' : 'NOT '}${isNull(key)}`),
  ];
  const heap = `SELECT ctid AS sm_at, ${columns.join(', ')} FROM ONLY ${wholeHeap(index)} WHERE ${all(where)}`;
  const found = all([
    ...(index.predicate === null ? [] : [index.predicate]),
    ...index.keys.map((key, place) =>
      nulls[place] === true
        ? `${keyOf(key)} IS NULL`
        : `${keyOf(key)} ${key.operator} ${key.asksForWords ? words(`sm_heap.sm${place}`) : `sm_heap.sm${place}`}`,
    ),
  ]);
  const asked = index.keys.map((_, place) => `sm${place}`);
  if (index.keys.every((key) => key.groups)) {
    return `SELECT coalesce(pg_catalog.sum(sm_heap.n), 0) AS "asked",
        coalesce(pg_catalog.sum(sm_heap.n) FILTER (WHERE sm_found.n IS DISTINCT FROM sm_heap.n OR sm_found.rows IS DISTINCT FROM sm_heap.rows), 0) AS "missed"
      FROM (SELECT ${asked.join(', ')}, ${sumOf('sm_at')} FROM (${heap}) AS sm_rows GROUP BY ${asked.join(', ')}) AS sm_heap,
        LATERAL (SELECT ${sumOf('ctid')} FROM ONLY ${index.table} WHERE ${found}) AS sm_found`;
  }
  // A document without words, or a value that is not even equal to itself, cannot be asked for.
  const answerable = index.keys.map((key, place) =>
    nulls[place] === true
      ? 'true'
      : key.asksForWords
        ? `pg_catalog.length(sm${place}) OPERATOR(pg_catalog.>) 0`
        : `sm${place} ${key.operator} sm${place}`,
  );
  return `SELECT pg_catalog.count(*) AS "asked", pg_catalog.count(*) FILTER (WHERE NOT sm_found.is_there) AS "missed"
    FROM (SELECT * FROM (${heap}) AS sm_rows WHERE ${all(answerable)}) AS sm_heap,
      LATERAL (SELECT coalesce(pg_catalog.bool_or(ctid OPERATOR(pg_catalog.=) sm_heap.sm_at), false) AS is_there
                 FROM ONLY ${index.table} WHERE ${found}) AS sm_found`;
}

/** Rows that the heap has for a partial index, as `heap`. */
export function countInHeap(index: UserCodeIndex): string {
  return `SELECT pg_catalog.count(*) AS "rows" FROM ONLY ${wholeHeap(index)} WHERE ${index.predicate}`;
}

/**
 * Rows that the index has: its predicate is not asked again when it is read as a whole. Its order, where it has one,
 * keeps PostgreSQL from reading another index instead.
 */
export function countInIndex(index: UserCodeIndex): string {
  const [first] = index.keys;
  const order = first?.groups === true && index.readsWhole ? `ORDER BY ${keyOf(first)}` : '';
  return `SELECT pg_catalog.count(*) AS "rows" FROM (SELECT FROM ONLY ${index.table} WHERE ${index.predicate} ${order} OFFSET 0) AS sm_rows`;
}

/** Which of the keys are NULL, in all combinations that there are. */
export function nullPatterns(index: UserCodeIndex): string {
  return `SELECT DISTINCT ARRAY[${index.keys.map(isNull).join(', ')}] AS "nulls" FROM ONLY ${wholeHeap(index)} WHERE ${index.predicate ?? 'true'}`;
}

const wholeHeap = (index: UserCodeIndex): string => `${index.table} TABLESAMPLE pg_catalog.system (100)`;

const keyOf = ({ expression, collation }: IndexKey): string =>
  collation === null ? `(${expression})` : `(${expression}) COLLATE ${collation}`;

/** `IS NULL` also holds for a row of which all fields are NULL, which an index holds as a value. */
const isNull = (key: IndexKey): string => `(pg_catalog.num_nulls(${keyOf(key)}) OPERATOR(pg_catalog.=) 1)`;

const all = (conditions: readonly string[]): string =>
  conditions.length === 0 ? 'true' : conditions.map((each) => `(${each})`).join(' AND ');

/** Which rows, in two numbers. */
const sumOf = (place: string): string =>
  `pg_catalog.count(*) AS n, pg_catalog.sum(pg_catalog.hashtextextended(${place}::pg_catalog.text, 0)::pg_catalog.numeric) AS rows`;

/** All words of a document, as a query that it matches. */
const words = (document: string): string =>
  `(SELECT pg_catalog.string_agg(pg_catalog.concat('''', pg_catalog.replace(pg_catalog.replace(word, E'\\\\', E'\\\\\\\\'), '''', ''''''), ''''), ' & ')
      FROM pg_catalog.unnest(pg_catalog.tsvector_to_array(${document})) AS word)::pg_catalog.tsquery`;
