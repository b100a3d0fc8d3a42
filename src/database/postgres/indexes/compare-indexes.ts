import { z } from 'zod';
import type { DatabaseProperties } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import { parseSetting, setClause } from '../copy/database-settings.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { comparableValues } from '../session/session-settings.ts';
import { SqlError } from '../session/sql-errors.ts';
import { countInHeap, countInIndex, lookUpRows, nullPatterns } from './index-questions.ts';
import { readUserCodeIndexes, type UserCodeIndex } from './user-code-indexes.ts';

/** Rows of tables that are looked up, all indexes together; the smallest tables come first. */
const budgetRows = 1_000_000;
/** What one question may take: many equal keys of an operator class of users are compared with one another. */
const questionTimeout = '60s';

interface ComparedIndexes {
  /** Sentences about indexes that answer otherwise than their tables. */
  readonly differences: readonly string[];
  /** Sentences about indexes that could not be compared. */
  readonly told: readonly string[];
}

/**
 * Compares what the indexes that reach code of users say with what their tables say, under the settings of the database
 * that `session` is in and not under ours: every row is looked up by the keys that it has now. Only tables of the
 * session's role are asked: the functions of others would run with rights that CREATE INDEX does not lend them.
 * Changes nothing; `session` is not of use for anything else afterwards.
 */
export async function compareIndexes(
  session: SqlSession,
  settings: DatabaseProperties['settings'],
): Promise<ComparedIndexes> {
  const indexes = await readUserCodeIndexes(session);
  if (indexes.length === 0) return { differences: [], told: [] };
  await takeOwnSettings(session, settings);
  const differences: string[] = [];
  const passedOver = new Map<string, string[]>();
  let rows = 0;
  for (const index of indexes) {
    rows += index.rows;
    const reason = rows > budgetRows ? beyondBudget : await compareIndex(session, index, differences);
    if (reason !== null) passedOver.set(reason, [...(passedOver.get(reason) ?? []), index.name]);
  }
  const told = [...passedOver].map(([reason, names]) => {
    const [are, tables] = names.length === 1 ? ['is', 'its table'] : ['are', 'their tables'];
    return `${namedSome(names, 'index', 'indexes')} ${are} not compared with ${tables}: ${reason}`;
  });
  return { differences, told };
}

const beyondBudget = `with smaller ones they have more than ${budgetRows} rows`;

/** The session computes as one of the application's does, for as long as it needs, and through indexes. */
async function takeOwnSettings(session: SqlSession, settings: DatabaseProperties['settings']): Promise<void> {
  const [me] = await session.query('SELECT session_user::text AS "name"', z.object({ name: z.string() }));
  for (const name of ['search_path', ...Object.keys(comparableValues)])
    await session.execute(`RESET ${name}`);
  for (const { role, config } of settings) {
    if (role !== null && role !== me?.name) continue;
    // A restore is better off without them, functions are not.
    const withheld = config.filter((each) =>
      ['array_nulls', 'transform_null_equals'].includes(parseSetting(each).name.toLowerCase()),
    );
    for (const setting of withheld) await session.execute(setClause(setting));
  }
  await session.execute(`SET statement_timeout = '${questionTimeout}';
    SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
    SET enable_seqscan = off; SET enable_indexscan = on; SET enable_indexonlyscan = on; SET enable_tidscan = off;
    SET enable_sort = off; SET enable_incremental_sort = off;
    SET max_parallel_workers_per_gather = 0; SET jit = off; SET gin_fuzzy_search_limit = 0`);
}

const lookUpRow = z.object({ asked: z.number(), missed: z.number() });
const countRow = z.object({ rows: z.number() });

/** Adds to `differences`; says why the index could not be compared, or null. */
async function compareIndex(
  session: SqlSession,
  index: UserCodeIndex,
  differences: string[],
): Promise<string | null> {
  if (!index.isOurs) return `that belongs to ${index.owner}, whose functions are not run for this`;
  if (index.keys.some((key) => key.operator === null)) {
    return `by its access method (${index.method}) not every row can be looked up`;
  }
  try {
    await session.execute(`SET enable_bitmapscan = ${index.needsBitmap ? 'on' : 'off'}`);
    const patterns = await session.query(nullPatterns(index), z.object({ nulls: z.array(z.boolean()) }));
    let asked = 0;
    let missed = 0;
    for (const { nulls } of patterns) {
      if (nulls.some((isNull, place) => isNull && index.keys[place]?.findsNulls !== true)) continue;
      const question = lookUpRows(index, nulls);
      if (!(await usesIndex(session, index, question))) return unused;
      const [answer] = await session.query(question, lookUpRow);
      asked += answer?.asked ?? 0;
      missed += answer?.missed ?? 0;
    }
    if (missed > 0) {
      differences.push(
        `index ${index.name} does not find ${missed} of ${asked} rows by the keys that they have`,
      );
      return null;
    }
    return index.predicate === null || !index.readsWhole
      ? null
      : await compareCounts(session, index, differences);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return error.sqlState === '57014'
      ? `a question took longer than ${questionTimeout}`
      : `PostgreSQL refused the question (SQLSTATE ${error.sqlState})`;
  }
}

const unused = 'PostgreSQL does not use it for the question';

/** What a partial index holds too much shows in no look-up. */
async function compareCounts(
  session: SqlSession,
  index: UserCodeIndex,
  differences: string[],
): Promise<string | null> {
  const question = countInIndex(index);
  if (!(await usesIndex(session, index, question))) return unused;
  const [inIndex] = await session.query(question, countRow);
  const [inHeap] = await session.query(countInHeap(index), countRow);
  if (inIndex?.rows !== inHeap?.rows) {
    differences.push(
      `index ${index.name} holds ${inIndex?.rows} rows, and its condition is true for ${inHeap?.rows}`,
    );
  }
  return null;
}

/** Without a look at the plan, the table might have been compared with itself. */
async function usesIndex(session: SqlSession, index: UserCodeIndex, question: string): Promise<boolean> {
  const explain = literal(`EXPLAIN (FORMAT JSON) ${question}`);
  await session.execute(
    `DO ${literal(`DECLARE plan json; BEGIN EXECUTE ${explain} INTO plan; PERFORM pg_catalog.set_config('safe_migrate.plan', plan::text, false); END`)}`,
  );
  const [row] = await session.query(
    `SELECT ARRAY(SELECT DISTINCT pg_catalog.jsonb_path_query(pg_catalog.current_setting('safe_migrate.plan')::jsonb, 'strict $.**."Index Name"') #>> '{}') AS "used"`,
    z.object({ used: z.array(z.string()) }),
  );
  return row?.used.length === 1 && row.used[0] === index.plainName;
}
