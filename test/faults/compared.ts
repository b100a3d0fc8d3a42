import type { DatabaseState } from '../support/database-state.ts';
import type { World } from '../support/world.ts';

/** The state of a world's target, as text that is the same for two worlds that hold the same. */
interface Comparable {
  /** Everything but the history: two deploys of the same migration differ in ids and times there. */
  readonly rest: string;
  /** Digest of the history's rows. */
  readonly history: string;
  readonly state: DatabaseState;
}

const historyTable = 'public._prisma_migrations';

export async function comparableState(world: World): Promise<Comparable> {
  const state = await world.state();
  const { [historyTable]: history = '', ...tables } = state.tables;
  const rest = JSON.stringify({ ...state, tables })
    .replaceAll(world.user, 'the-owner')
    .replaceAll(world.database, 'the-target');
  return { rest, history, state };
}

/** `before`, to the last row of the history; `after`; or neither, and in which of its parts it differs from `before`. */
export async function whichState(
  world: World,
  before: Comparable,
  after: { readonly rest: string; readonly history: string | null } | null,
): Promise<{
  readonly end: 'before' | 'after' | 'other';
  readonly lostRows: number;
  readonly differs: string;
}> {
  const now = await comparableState(world);
  if (now.rest === before.rest && now.history === before.history)
    return { end: 'before', lostRows: 0, differs: '' };
  if (after !== null && now.rest === after.rest) {
    const isHistory =
      after.history === null ? await isFinished(world, before) : now.history === after.history;
    if (isHistory) return { end: 'after', lostRows: 0, differs: '' };
  }
  return {
    end: 'other',
    lostRows: missingRows(before.state, now.state),
    differs: Object.keys(before.state)
      .filter((part) => partOf(before.state, part) !== partOf(now.state, part))
      .join(', '),
  };
}

function partOf(state: DatabaseState, part: string): string {
  return JSON.stringify(new Map(Object.entries(state)).get(part));
}

/** Nothing is unfinished, and there are rows more than before. */
async function isFinished(world: World, before: Comparable): Promise<boolean> {
  const counts = await world.psql(
    `SELECT count(*) FILTER (WHERE finished_at IS NULL OR rolled_back_at IS NOT NULL), count(*) FROM "_prisma_migrations"`,
  );
  const [unfinished, all] = counts.split('|').map(Number);
  return unfinished === 0 && all === rowsIn(before.history) + 1;
}

function missingRows(before: DatabaseState, now: DatabaseState): number {
  return Object.entries(before.tables).reduce(
    (sum, [table, digest]) => sum + Math.max(0, rowsIn(digest) - rowsIn(now.tables[table] ?? '0')),
    0,
  );
}

function rowsIn(digest: string): number {
  return Number(digest.split(' ', 1)[0]);
}
