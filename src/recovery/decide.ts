import type { ScriptDescription } from '../lint/statements.ts';
import { sqlStateIn } from '../prisma/failure.ts';
import type { HistoryRow } from '../prisma/migrator.ts';

/** What is known about a target after `migrate deploy` did not do all it should. */
export interface Evidence {
  /** History and catalog witness read just before the migration; history null: there was no table. */
  readonly before: { readonly history: readonly HistoryRow[] | null; readonly witness: string };
  readonly now: { readonly history: readonly HistoryRow[] | null; readonly witness: string };
  /** The script of the one unfinished migration; null when it is not on disk or was not asked for. */
  readonly script: ScriptDescription | null;
  /** Event triggers of the user's run on DDL and can change data in ways no script shows. */
  readonly eventTriggers: boolean;
  /**
   * Of a migrate-command, which may do more than Prisma does: whether every table holds what it held in the snapshot and
   * no sequence was set back. `not-compared`: not needed, or not looked at because more is known to differ.
   */
  readonly contents: 'not-compared' | 'as-before' | 'changed';
  /** How this Prisma sends a script, as measured in this run. */
  readonly execution: 'one-query' | 'by-statement' | 'not-measured';
  /** Sequences that stand lower than in the snapshot: somebody set them back, outside of any transaction. */
  readonly rewoundSequences: readonly string[];
  /** `swap`: never take the shorter ways. */
  readonly recovery: 'auto' | 'swap';
  /** How many tables the application had changed between the snapshot and the migration. */
  readonly writesBeforeMigration: number;
  readonly onNewWrites: 'restore' | 'stop';
  /** Somebody else deploys, or has done so meanwhile: what changed may be the work of others. */
  readonly foreignDeploy: boolean;
}

export type Decision =
  | { readonly way: 'untouched' }
  | { readonly way: 'history'; readonly row: HistoryRow; readonly because: string }
  /** Measure how Prisma sends a script, put the answer into `execution` and decide again. */
  | { readonly way: 'measure-execution' }
  | { readonly way: 'swap'; readonly because: string }
  | { readonly way: 'stopped'; readonly because: string };

/**
 * The least destructive way back that is proved to be enough. Pure: everything it knows is in the evidence.
 * When in doubt it says swap, which needs no knowledge of what the migration did.
 */
export function decide(evidence: Evidence): Decision {
  const historyAsBefore = sameHistory(evidence.before.history, evidence.now.history);
  const catalogsAsBefore = evidence.before.witness === evidence.now.witness;
  if (historyAsBefore && catalogsAsBefore && evidence.contents !== 'changed') return { way: 'untouched' };
  const byHistory = evidence.foreignDeploy
    ? { way: 'no' as const, because: 'another deploy was here' }
    : decideHistory(evidence, catalogsAsBefore);
  if (byHistory.way !== 'no') return byHistory;
  return withoutEvidence({ ...evidence, because: byHistory.because });
}

/** The swap, unless something forbids it; needs no knowledge of what the migration did. */
export function withoutEvidence(
  known: Pick<Evidence, 'foreignDeploy' | 'onNewWrites' | 'writesBeforeMigration'> & {
    readonly because: string;
  },
): Decision {
  if (known.foreignDeploy) {
    return {
      way: 'stopped',
      because: 'another deploy is or was at work on this database, and what changed may be its work',
    };
  }
  if (known.onNewWrites === 'stop' && known.writesBeforeMigration > 0) {
    return {
      way: 'stopped',
      because: `${known.writesBeforeMigration} tables were written to after the backup, and on-new-writes is stop`,
    };
  }
  return { way: 'swap', because: known.because };
}

function decideHistory(
  evidence: Evidence,
  catalogsAsBefore: boolean,
):
  | Exclude<Decision, { way: 'swap' | 'untouched' | 'stopped' }>
  | { readonly way: 'no'; readonly because: string } {
  const no = (because: string) => ({ way: 'no', because }) as const;
  if (evidence.recovery === 'swap') return no('recovery is set to swap');
  if (!catalogsAsBefore) return no('the migration left changes of the schema behind');
  if (evidence.contents === 'changed') {
    return no('rows differ from the backup, and migrate-command may have changed them');
  }
  const row = onlyNewUnfinishedRow(evidence.before.history, evidence.now.history);
  if (row === null) return no('more than one row of the migration history changed');
  if (evidence.rewoundSequences.length > 0) {
    return no(`sequence ${evidence.rewoundSequences.join(', ')} was set back`);
  }
  if (evidence.contents === 'as-before') {
    return { way: 'history', row, because: 'every table was read and holds what it held before' };
  }
  if (evidence.script === null || !evidence.script.parsed) {
    return no('the failing script cannot be read by the SQL parser, so it may have changed data');
  }
  const { statements } = evidence.script;
  if (!evidence.eventTriggers && statements.every((statement) => !statement.mayChangeData)) {
    return { way: 'history', row, because: 'the failing script holds no statement that can change data' };
  }
  if (!wasRefused(row)) {
    return no(
      'the database did not say that the failing script failed: it was cut off and may have run to its end',
    );
  }
  const breaker = statements.find((statement) => statement.breaksAtomicity);
  if (breaker !== undefined) {
    return no(
      `the statement in line ${breaker.line} of the failing script is not undone by a rolled-back transaction`,
    );
  }
  if (statements.length === 1) {
    return {
      way: 'history',
      row,
      because: 'the failing script is one statement, which PostgreSQL undid as a whole',
    };
  }
  switch (evidence.execution) {
    case 'not-measured':
      return { way: 'measure-execution' };
    case 'one-query':
      return {
        way: 'history',
        row,
        because:
          'this Prisma sends a script as one query (measured in this run), which PostgreSQL undid as a whole',
      };
    case 'by-statement':
      return no('this Prisma sends a script statement by statement, so its first part may have stayed');
  }
}

/**
 * Whether the server refused a statement of the script, by the error that Prisma noted in the row. Without one the
 * migrator was ended before the answer came, and the backend goes on alone: it may have committed. Class 08 and 40003
 * are errors of the connection, which leave that open as well.
 */
function wasRefused(row: HistoryRow): boolean {
  const sqlState = sqlStateIn(row.logs);
  return sqlState !== null && !/^(08|40003)/.test(sqlState);
}

/** Whether two readings of `_prisma_migrations` hold the same rows, in any order. */
export function sameHistory(
  before: readonly HistoryRow[] | null,
  now: readonly HistoryRow[] | null,
): boolean {
  if (before === null || now === null) return before === now;
  return JSON.stringify(sortedById(before)) === JSON.stringify(sortedById(now));
}

/** Rows in an order of their own, whatever order they were read in. */
export function sortedById(rows: readonly HistoryRow[]): readonly HistoryRow[] {
  return rows.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function onlyNewUnfinishedRow(
  before: readonly HistoryRow[] | null,
  now: readonly HistoryRow[] | null,
): HistoryRow | null {
  if (before === null || now === null) return null;
  const known = new Set(before.map((row) => row.id));
  const [added, ...more] = now.filter((row) => !known.has(row.id));
  if (added === undefined || more.length > 0) return null;
  if (added.finishedAt !== null || added.rolledBackAt !== null) return null;
  return sameHistory(
    before,
    now.filter((row) => known.has(row.id)),
  )
    ? added
    : null;
}
