import { sqlStateIn } from '../../prisma/failure.ts';
import type { HistoryRow } from '../../prisma/migrator.ts';
import { countOf } from '../../report/quantity.ts';
import type { Evidence, WritesMeanwhile } from './evidence.ts';
import { wayOfScript } from './way-of-script.ts';

/** Find out, put the answer into the evidence and decide again. */
export type Question = 'compare-contents' | 'measure-execution' | 'compare-writes';

export type Decision =
  | { readonly way: 'untouched'; readonly because: string }
  | { readonly way: 'history'; readonly row: HistoryRow; readonly because: string }
  | { readonly way: Question }
  | { readonly way: 'swap'; readonly because: string }
  | { readonly way: 'stopped'; readonly because: string };

type No = { readonly way: 'no'; readonly because: string };

/**
 * The least destructive way back that is proved to be enough. Pure: everything it knows is in the evidence.
 * When in doubt it says swap, which needs no knowledge of what the migration did.
 */
export function decide(evidence: Evidence): Decision {
  // What is still at work can make any of the others false a moment later.
  if (evidence.stillWorking !== null) return { way: 'stopped', because: evidence.stillWorking };
  const historyAsBefore = sameHistory(evidence.before.history, evidence.now.history);
  const catalogsAsBefore = evidence.before.witness === evidence.now.witness;
  const byShortWay =
    historyAsBefore && catalogsAsBefore
      ? decideUntouched(evidence)
      : evidence.foreignDeploy
        ? { way: 'no' as const, because: 'another deploy was here' }
        : decideHistory(evidence, catalogsAsBefore);
  return byShortWay.way === 'no' ? withoutEvidence({ ...evidence, because: byShortWay.because }) : byShortWay;
}

/** The swap, unless something forbids it; needs no knowledge of what the migration did. */
export function withoutEvidence(
  known: Pick<
    Evidence,
    | 'foreignDeploy'
    | 'stillWorking'
    | 'mayNotGoBack'
    | 'onNewWrites'
    | 'writesBeforeMigration'
    | 'writesMeanwhile'
  > & { readonly because: string },
): Decision {
  const stopped = (because: string) => ({ way: 'stopped', because }) as const;
  if (known.stillWorking !== null) return stopped(known.stillWorking);
  if (known.foreignDeploy)
    return stopped('another deploy is or was at work on this database, and what changed may be its work');
  if (known.mayNotGoBack !== null) return stopped(known.mayNotGoBack);
  if (known.onNewWrites === 'stop') {
    if (known.writesBeforeMigration > 0)
      return stopped(
        `${countOf(known.writesBeforeMigration, 'table was', 'tables were')} written to after the backup, and on-new-writes is stop`,
      );
    if (known.writesMeanwhile === null) return { way: 'compare-writes' };
    const because = writesSentence(known.writesMeanwhile);
    if (because !== null) return stopped(`${because}, and on-new-writes is stop`);
  }
  return { way: 'swap', because: known.because };
}

function writesSentence({ byOthers, notToldApart }: WritesMeanwhile): string | null {
  const others =
    byOthers.length === 0 ? [] : [`${byOthers.join(', ')} was written to while the migration ran`];
  const unclear =
    notToldApart.length === 0
      ? []
      : [
          `rows of ${notToldApart.join(', ')} differ from the backup, and the migration may have changed them itself: whether somebody else has as well cannot be told apart`,
        ];
  const sentences = [...others, ...unclear];
  return sentences.length === 0 ? null : sentences.join('; ');
}

/**
 * History and catalogs are as before. Prisma writes its row before a script begins, so that proves that none has, unless a
 * script could take the row away again: then only the contents can say what it did besides.
 */
function decideUntouched(
  evidence: Evidence,
): { readonly way: 'untouched'; readonly because: string } | { readonly way: Question } | No {
  const untouched = (because: string) => ({ way: 'untouched', because }) as const;
  if (evidence.begun === 'no' && evidence.migrator === 'prisma')
    return untouched('history and catalogs are as before, and no script has begun');
  if (
    evidence.begun === 'maybe' &&
    evidence.migrator === 'prisma' &&
    evidence.lock !== 'not-seen' &&
    evidence.historyReach === 'none' &&
    !evidence.eventTriggers
  )
    return untouched('history and catalogs are as before, and no script can have taken its row away again');
  switch (evidence.contents) {
    case 'not-compared':
      return { way: 'compare-contents' };
    case 'as-before':
      return untouched('history and catalogs are as before, and so is what every table holds');
    case 'changed':
      return {
        way: 'no',
        because:
          evidence.migrator === 'command'
            ? 'rows differ from the backup, and migrate-command may have changed them'
            : 'rows differ from the backup, and a script may have changed them and taken its row out of the history',
      };
  }
}

/** The short way of one failed migration, whose row is all that it left. */
function decideHistory(
  evidence: Evidence,
  catalogsAsBefore: boolean,
):
  | { readonly way: 'history'; readonly row: HistoryRow; readonly because: string }
  | { readonly way: Question }
  | No {
  const no = (because: string) => ({ way: 'no', because }) as const;
  if (evidence.recovery === 'swap') return no('recovery is set to swap');
  if (!catalogsAsBefore) return no('the migration left changes of the schema behind');
  const row = onlyNewUnfinishedRow(evidence.before.history, evidence.now.history);
  if (row === null) return no('more than one row of the migration history changed');
  if (evidence.rewoundSequences.length > 0) {
    return no(`sequence ${evidence.rewoundSequences.join(', ')} was set back`);
  }
  const doubt = doubtAboutScript(evidence);
  if (doubt === null) {
    const by = wayOfScript(evidence.script, { ...evidence, wasRefused: wasRefused(row) });
    return by.way === 'history' ? { ...by, row } : by;
  }
  switch (evidence.contents) {
    case 'not-compared':
      return { way: 'compare-contents' };
    case 'as-before':
      return { way: 'history', row, because: 'every table was read and holds what it held before' };
    case 'changed':
      return no(`rows differ from the backup, and ${doubt}`);
  }
}

/** Why the failed script alone does not say what was changed; null when it does. */
function doubtAboutScript({ migrator, lock, historyIsWatched, historyReach }: Evidence): string | null {
  if (migrator === 'command') return 'migrate-command may have changed them';
  if (lock !== 'taken') return "nothing shows that Prisma's lock kept others away";
  // One of them may have run to its end and taken its own row away.
  if (historyReach === 'named' || historyReach === 'dynamic')
    return 'the scripts may have written the migration history themselves';
  if (historyIsWatched) return 'triggers of the migration history may have changed them';
  return null;
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
