import { type Journal, phasesBeforeMigrate } from '../../database/journal.ts';
import type { HistoryRow } from '../../prisma/migrator.ts';
import { takingRowOut } from '../hold-on.ts';
import { historyDigest } from '../journal/history-digest.ts';

/** How old a half-done migration may be for its recovery to be what everybody expects. */
const recoverableSeconds = 60 * 60;

/** What is known about a target on which an earlier run is unfinished. */
interface UnfinishedFacts {
  /** OID of the database that bears the target's name now; null: there is none. */
  readonly targetOid: number | null;
  /** null: there is no history table; `unreadable`: what the migration left cannot be read. */
  readonly history: readonly HistoryRow[] | 'unreadable' | null;
  /** Since the journal's phase was entered, by the server's clock. */
  readonly ageSeconds: number;
  /** The scripts of that run could have written the history themselves; false where they are not known. */
  readonly mayForgeHistory: boolean;
}

export type UnfinishedDecision =
  /** The backup stands in the target's place already. */
  | { readonly way: 'swapped' }
  | { readonly way: 'untouched' }
  | { readonly way: 'settle' }
  /**
   * `history`: the rows as they were before the migration, where they can be told. `mayNotGoBack`: why only what needs no
   * going back may be done; null when all may.
   */
  | {
      readonly way: 'recover';
      readonly history: readonly HistoryRow[] | null;
      readonly mayNotGoBack: string | null;
    }
  | { readonly way: 'stop'; readonly because: string }
  /** A person has been asked already. */
  | { readonly way: 'leave' };

/** What is to be done about an earlier run that has ended without closing its journal. Pure. */
export function decideUnfinished(journal: Journal, facts: UnfinishedFacts): UnfinishedDecision {
  const { targetOid, history } = facts;
  if (targetOid !== null && targetOid === journal.fallback?.oid) return { way: 'swapped' };
  if (journal.phase === 'stopped' || journal.phase === 'recovery-failed') return { way: 'leave' };
  if (phasesBeforeMigrate.has(journal.phase)) return { way: 'untouched' };
  // It changes nothing but by its swap.
  if (journal.command === 'rollback') return { way: 'untouched' };
  const { baseline } = journal;
  if (baseline === null)
    return { way: 'stop', because: 'its journal does not say how the target was before' };
  if (targetOid !== journal.targetOid) {
    return { way: 'stop', because: 'another database bears the name of the target now' };
  }
  const hours = Math.round(facts.ageSeconds / 360) / 10;
  const isOld = facts.ageSeconds > recoverableSeconds;
  if (history !== 'unreadable') {
    // What it did can have been undone in the history, and in the history alone: that is looked at before anything is said.
    const isAsBefore = historyDigest(history) === baseline.history;
    // That was proved to be enough before it was begun.
    if (isAsBefore && journal.because === takingRowOut) return { way: 'untouched' };
    if (isAsBefore && baseline.migrator === 'prisma') {
      const mayNotGoBack = isOld
        ? `the migration of run ${journal.run} was cut off ${hours} hours ago, and whether it or the application has changed what differs from the backup cannot be told`
        : null;
      return { way: 'recover', history, mayNotGoBack };
    }
    if (isFinished(journal, history ?? [])) {
      return facts.mayForgeHistory
        ? {
            way: 'stop',
            because: `the history says that the migrations of run ${journal.run} are applied, but their scripts can have written that themselves`,
          }
        : { way: 'settle' };
    }
  }
  if (isOld) {
    return {
      way: 'stop',
      because: `the migration of run ${journal.run} is half done, and began ${hours} hours ago: going back now would undo what was written since`,
    };
  }
  if (history === 'unreadable') return { way: 'recover', history: null, mayNotGoBack: null };
  const before = rowsBefore(journal, history ?? []);
  const isExplained = historyDigest(baseline.history === null ? null : before) === baseline.history;
  if (!isExplained || (baseline.history === null && before.length > 0)) {
    return {
      way: 'stop',
      because: 'the migration history holds changes that are not those of the unfinished run',
    };
  }
  return { way: 'recover', history: baseline.history === null ? null : before, mayNotGoBack: null };
}

/** Whether every migration of the journal is applied, with a script that it knows. */
function isFinished({ migrations }: Journal, history: readonly HistoryRow[]): boolean {
  return migrations.every(({ name, checksums }) =>
    history.some(
      (row) =>
        row.migrationName === name &&
        row.finishedAt !== null &&
        row.rolledBackAt === null &&
        checksums.includes(row.checksum),
    ),
  );
}

/** All rows but those that the unfinished run has written: its migrations were pending, so they had none in force. */
function rowsBefore({ migrations }: Journal, history: readonly HistoryRow[]): readonly HistoryRow[] {
  const names = new Set(migrations.map(({ name }) => name));
  return history.filter((row) => row.rolledBackAt !== null || !names.has(row.migrationName));
}
