import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HistoryRow } from '../../../src/prisma/migrator.ts';
import { type Decision, decide, type Question } from '../../../src/recovery/decision/decide.ts';
import type { Evidence } from '../../../src/recovery/decision/evidence.ts';
import { cases } from '../../support/cases.ts';

const init: HistoryRow = {
  id: '1',
  checksum: 'a',
  migrationName: '1_init',
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
  rolledBackAt: null,
  appliedStepsCount: 1,
  logs: null,
};
const refusal = 'Database error code: 23505\n\nDatabase error:\nERROR: no';

const newRow = fc.record({
  id: fc.constantFrom('2', '3'),
  checksum: fc.constant('b'),
  migrationName: fc.constantFrom('2_split', '9_foreign'),
  startedAt: fc.constant('2026-01-02T00:00:00Z'),
  finishedAt: fc.constantFrom(null, null, '2026-01-02T00:00:01Z'),
  rolledBackAt: fc.constantFrom(null, null, null, '2026-01-02T00:00:01Z'),
  appliedStepsCount: fc.constantFrom(0, 1),
  logs: fc.constantFrom(null, refusal, refusal, 'Database error code: 08006', 'nothing to read'),
});

const known = fc.constantFrom<readonly HistoryRow[] | null>([init], [init], [init], [], null);
const after = fc
  .tuple(
    fc.constantFrom<readonly HistoryRow[]>([init], [init], [init], [], [{ ...init, checksum: 'z' }]),
    fc.uniqueArray(newRow, { maxLength: 2, selector: ({ id }) => id }),
  )
  .map(([before, added]): readonly HistoryRow[] => [...before, ...added]);

/** The usual failure: half of all evidence, so that the rest of it matters. */
const oneFailed = newRow.map((row): readonly HistoryRow[] => [
  init,
  { ...row, finishedAt: null, rolledBackAt: null, logs: refusal },
]);

const statement = fc.record({
  kind: fc.constantFrom('CreateStmt', 'UpdateStmt', 'DoStmt'),
  line: fc.integer({ min: 1, max: 9 }),
  mayChangeData: fc.boolean(),
  breaksAtomicity: fc.constantFrom(false, false, false, false, true),
  maySetSequence: fc.boolean(),
});

const evidence: fc.Arbitrary<Evidence> = fc.record({
  migrator: fc.constantFrom('prisma', 'prisma', 'command'),
  before: fc.record({ history: known, witness: fc.constant('w') }),
  now: fc.record({
    history: fc.oneof(after, known, oneFailed, oneFailed),
    witness: fc.constantFrom('w', 'w', 'x'),
  }),
  begun: fc.constantFrom('no', 'maybe', 'yes'),
  historyReach: fc.constantFrom('none', 'hidden', 'hidden', 'dynamic', 'named'),
  historyIsWatched: fc.constantFrom(false, false, false, true),
  lock: fc.constantFrom('taken', 'taken', 'taken', 'taken', 'not-seen', 'unknown'),
  stillWorking: fc.constantFrom(null, null, null, 'session 7 does not end'),
  script: fc.oneof(
    fc.constantFrom(null, { parsed: false as const }),
    fc.record({ parsed: fc.constant(true as const), statements: fc.array(statement, { maxLength: 3 }) }),
  ),
  eventTriggers: fc.boolean(),
  contents: fc.constantFrom('not-compared', 'as-before', 'changed'),
  execution: fc.constantFrom('one-query', 'by-statement', 'not-measured', 'not-measurable'),
  rewoundSequences: fc.constantFrom([], [], ['public.s']),
  recovery: fc.constantFrom('auto', 'auto', 'swap'),
  writesBeforeMigration: fc.constantFrom(0, 0, 3),
  writesMeanwhile: fc.oneof(
    fc.constant(null),
    fc.record({
      byOthers: fc.constantFrom([], ['public.note']),
      notToldApart: fc.constantFrom([], ['public.customer']),
      writtenRows: fc.constant('1'),
    }),
  ),
  onNewWrites: fc.constantFrom('restore', 'stop'),
  mayNotGoBack: fc.constantFrom(null, null, 'three days'),
  foreignDeploy: fc.constantFrom(false, false, false, true),
});

/**
 * Whether each short way is proved to be enough, written from the rules of docs/recovery.md and nothing else. It knows
 * no order of questions, and reads histories as lists of texts.
 */
const oracle: Record<Exclude<Decision['way'], Question>, (e: Evidence) => boolean> = {
  untouched(e: Evidence): boolean {
    const nothingAtWork = e.stillWorking === null;
    const definitionsAsBefore = e.before.witness === e.now.witness;
    const historyAsBefore = texts(e.before.history) === texts(e.now.history);
    // Read, and found to be what it was: nothing more can be asked.
    const wasRead = e.contents === 'as-before';
    // Prisma itself says that it ran no script; or nothing in the scripts can have hidden that it did.
    const saysNothingRan = e.migrator === 'prisma' && e.begun === 'no';
    const couldNotHide =
      e.migrator === 'prisma' &&
      e.begun === 'maybe' &&
      e.historyReach === 'none' &&
      e.eventTriggers === false &&
      e.lock !== 'not-seen';
    return (
      nothingAtWork && definitionsAsBefore && historyAsBefore && (wasRead || saysNothingRan || couldNotHide)
    );
  },

  history(e: Evidence): boolean {
    if (e.stillWorking !== null || e.foreignDeploy || e.recovery === 'swap') return false;
    if (e.before.witness !== e.now.witness || e.rewoundSequences.length > 0) return false;
    const { history: before } = e.before;
    const { history: now } = e.now;
    if (before === null || now === null) return false;
    const added = now.filter((row) => before.every(({ id }) => id !== row.id));
    const rest = now.filter((row) => before.some(({ id }) => id === row.id));
    const [row] = added;
    if (row === undefined || added.length !== 1 || texts(rest) !== texts(before)) return false;
    if (row.finishedAt !== null || row.rolledBackAt !== null) return false;
    if (e.contents === 'as-before') return true;
    // Without having read the tables: by the script alone, where nothing but the script can have been at work.
    const onlyTheScript =
      e.migrator === 'prisma' &&
      e.lock === 'taken' &&
      !e.historyIsWatched &&
      (e.historyReach === 'none' || e.historyReach === 'hidden');
    if (!onlyTheScript || e.script === null || !e.script.parsed) return false;
    const { statements } = e.script;
    const changesNothing = !e.eventTriggers && statements.every(({ mayChangeData }) => !mayChangeData);
    const code = /Database error code: (.....)/.exec(row.logs ?? '')?.[1] ?? '';
    const serverRefusedIt = code !== '' && !code.startsWith('08') && code !== '40003';
    const isAtomic =
      serverRefusedIt &&
      statements.every(({ breaksAtomicity }) => !breaksAtomicity) &&
      (statements.length === 1 || e.execution === 'one-query');
    return changesNothing || isAtomic;
  },

  swap(e: Evidence): boolean {
    const mayUndo = e.stillWorking === null && !e.foreignDeploy && e.mayNotGoBack === null;
    if (!mayUndo || e.onNewWrites === 'restore') return mayUndo;
    const { writesMeanwhile } = e;
    return (
      e.writesBeforeMigration === 0 &&
      writesMeanwhile !== null &&
      writesMeanwhile.byOthers.length + writesMeanwhile.notToldApart.length === 0
    );
  },

  // Nothing is done then.
  stopped: () => true,
};

function isQuestion(way: Decision['way']): way is Question {
  return way === 'compare-contents' || way === 'compare-writes' || way === 'measure-execution';
}

function texts(history: readonly HistoryRow[] | null): string {
  return history === null
    ? 'no table'
    : history
        .map((row) => Object.values(row).join('|'))
        .toSorted()
        .join('\n');
}

describe('over random evidence', () => {
  it('never chooses a way that is not proved to be enough', () => {
    const chosen: Record<string, number> = {};
    fc.assert(
      fc.property(evidence, (given) => {
        const { way } = decide(given);
        chosen[way] = (chosen[way] ?? 0) + 1;
        expect(isQuestion(way) || oracle[way](given), `${way}: ${JSON.stringify(given)}`).toBe(true);
      }),
      { numRuns: cases(30_000), seed: 11 },
    );
    // Evidence under which none of them is ever chosen would prove nothing.
    for (const way of [
      'untouched',
      'history',
      'swap',
      'stopped',
      'compare-contents',
      'compare-writes',
      'measure-execution',
    ])
      expect(chosen[way], way).toBeGreaterThan(5);
  });

  it('asks for nothing twice: an answer always leads on', () => {
    fc.assert(
      fc.property(evidence, (given) => {
        let asked = given;
        for (let round = 0; round < 4; round += 1) {
          const { way } = decide(asked);
          if (way === 'compare-contents') asked = { ...asked, contents: 'changed' };
          else if (way === 'measure-execution') asked = { ...asked, execution: 'not-measurable' };
          else if (way === 'compare-writes')
            asked = { ...asked, writesMeanwhile: { byOthers: [], notToldApart: [], writtenRows: '1' } };
          else return;
        }
        expect.fail(`goes on asking: ${JSON.stringify(asked)}`);
      }),
      { numRuns: cases(5_000), seed: 12 },
    );
  });
});
