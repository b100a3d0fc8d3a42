import { describe, expect, it } from 'vitest';
import type { HistoryRow } from '../../../src/prisma/migrator.ts';
import { decide } from '../../../src/recovery/decision/decide.ts';
import type { Evidence } from '../../../src/recovery/decision/evidence.ts';

const applied: HistoryRow = {
  id: '1',
  checksum: 'a',
  migrationName: '20260101_init',
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:01Z',
  rolledBackAt: null,
  appliedStepsCount: 1,
  logs: null,
};
const failed: HistoryRow = {
  ...applied,
  id: '2',
  migrationName: '20260102_split',
  finishedAt: null,
  appliedStepsCount: 0,
  logs: 'Database error code: 23502\n\nDatabase error:\nERROR: …',
};

const ddl = {
  kind: 'CreateStmt',
  line: 1,
  mayChangeData: false,
  breaksAtomicity: false,
  maySetSequence: false,
};
const update = {
  kind: 'UpdateStmt',
  line: 2,
  mayChangeData: true,
  breaksAtomicity: false,
  maySetSequence: false,
};
const doBlock = { kind: 'DoStmt', line: 3, mayChangeData: true, breaksAtomicity: true, maySetSequence: true };

/** One failed row, catalogs as before, a script of one table and one update. */
function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    migrator: 'prisma',
    before: { history: [applied], witness: 'w' },
    now: { history: [applied, failed], witness: 'w' },
    begun: 'yes',
    historyReach: 'hidden',
    historyIsWatched: false,
    lock: 'taken',
    stillWorking: null,
    script: { parsed: true, statements: [ddl, update] },
    eventTriggers: false,
    contents: 'not-compared',
    execution: 'not-measured',
    rewoundSequences: [],
    recovery: 'auto',
    writesBeforeMigration: 0,
    writesMeanwhile: null,
    onNewWrites: 'restore',
    mayNotGoBack: null,
    foreignDeploy: false,
    ...changes,
  };
}

describe('decide', () => {
  const same = { history: [applied], witness: 'w' };

  it('says untouched when history and catalogs are as before and no script has begun, whatever else is known', () => {
    expect(decide(evidence({ now: same, begun: 'no' })).way).toBe('untouched');
    expect(decide(evidence({ now: same, begun: 'no', foreignDeploy: true, recovery: 'swap' })).way).toBe(
      'untouched',
    );
    const none = { history: null, witness: 'w' };
    expect(decide(evidence({ before: none, now: none, begun: 'no' })).way).toBe('untouched');
  });

  it('believes an unchanged history of a script that has begun only when every table was read', () => {
    expect(decide(evidence({ now: same }))).toEqual({ way: 'compare-contents' });
    expect(decide(evidence({ now: same, contents: 'as-before' })).way).toBe('untouched');
    expect(decide(evidence({ now: same, contents: 'changed' }))).toMatchObject({
      way: 'swap',
      because: expect.stringContaining('taken its row out of the history'),
    });
  });

  it('asks a migrator that was cut off for no more when its scripts cannot take their row away again', () => {
    const cutOff = { now: same, begun: 'maybe', historyReach: 'none' } as const;
    expect(decide(evidence(cutOff)).way).toBe('untouched');
    expect(decide(evidence({ ...cutOff, lock: 'unknown' })).way).toBe('untouched');
    expect(decide(evidence({ ...cutOff, lock: 'not-seen' })).way).toBe('compare-contents');
    expect(decide(evidence({ ...cutOff, eventTriggers: true })).way).toBe('compare-contents');
    expect(decide(evidence({ ...cutOff, historyReach: 'hidden' })).way).toBe('compare-contents');
    expect(decide(evidence({ ...cutOff, begun: 'yes' })).way).toBe('compare-contents');
  });

  it('stops, whatever looks as before, while something that may be ours is at work', () => {
    const stillWorking = 'session 7 of erp does not end';
    expect(decide(evidence({ stillWorking }))).toEqual({ way: 'stopped', because: stillWorking });
    expect(decide(evidence({ stillWorking, now: same, begun: 'no' })).way).toBe('stopped');
    expect(decide(evidence({ stillWorking, now: same, contents: 'as-before' })).way).toBe('stopped');
  });

  it.each([
    ["Prisma's lock was not seen", { lock: 'not-seen' }],
    ["nobody looked whether Prisma's lock was taken", { lock: 'unknown' }],
    ['triggers watch the history', { historyIsWatched: true }],
    ['a script names the history', { historyReach: 'named' }],
    ['a script runs SQL that cannot be read', { historyReach: 'dynamic' }],
  ] as const)('takes the failed row out only when every table was read where %s', (_, change) => {
    const script = { parsed: true as const, statements: [ddl] };
    expect(decide(evidence({ script })).way).toBe('history');
    expect(decide(evidence({ script, ...change })).way).toBe('compare-contents');
    expect(decide(evidence({ script, ...change, contents: 'as-before' })).way).toBe('history');
    expect(decide(evidence({ script, ...change, contents: 'changed' })).way).toBe('swap');
  });

  it('trusts no history alone where a migrate-command may have done more: rows that changed are swapped away', () => {
    const command = { migrator: 'command' } as const;
    expect(decide(evidence({ ...command, now: same, begun: 'no' })).way).toBe('compare-contents');
    expect(decide(evidence({ ...command, now: same, contents: 'as-before' })).way).toBe('untouched');
    expect(decide(evidence({ ...command, now: same, contents: 'changed' }))).toMatchObject({
      way: 'swap',
      because: expect.stringContaining('migrate-command may have changed them'),
    });
    const changed = { ...command, contents: 'changed' } as const;
    expect(decide(evidence({ ...changed, script: { parsed: true, statements: [ddl] } })).way).toBe('swap');
    expect(decide(evidence({ ...changed, now: same, foreignDeploy: true })).way).toBe('stopped');
  });

  it('puts the history back when every table was read and holds what it held, whatever the script', () => {
    const compared = { migrator: 'command', contents: 'as-before' } as const;
    expect(decide(evidence({ ...compared, script: { parsed: true, statements: [doBlock] } })).way).toBe(
      'history',
    );
    expect(decide(evidence({ ...compared, recovery: 'swap' })).way).toBe('swap');
  });

  it('never swaps what is too old to be put back', () => {
    const mayNotGoBack = 'three days';
    expect(decide(evidence({ mayNotGoBack, execution: 'by-statement' }))).toEqual({
      way: 'stopped',
      because: mayNotGoBack,
    });
    expect(decide(evidence({ mayNotGoBack, now: same, contents: 'changed' })).way).toBe('stopped');
    expect(decide(evidence({ mayNotGoBack, now: same, contents: 'as-before' })).way).toBe('untouched');
  });

  it('does not care in which order the history rows are read', () => {
    const before = { history: [applied, failed], witness: 'w' };
    const now = { history: [failed, applied], witness: 'w' };
    expect(decide(evidence({ before, now, begun: 'no' })).way).toBe('untouched');
  });

  it('stops when something changed while another deploy holds the lock', () => {
    expect(decide(evidence({ foreignDeploy: true })).way).toBe('stopped');
  });

  it('swaps when the catalogs changed, even without a history row', () => {
    expect(decide(evidence({ now: { history: [applied], witness: 'x' } })).way).toBe('swap');
    expect(decide(evidence({ now: { history: [applied, failed], witness: 'x' } })).way).toBe('swap');
  });

  it('puts only the history back when the failing script cannot have changed data', () => {
    const decision = decide(evidence({ script: { parsed: true, statements: [ddl, ddl] } }));
    expect(decision).toMatchObject({ way: 'history', row: failed });
  });

  it('does not trust a script without data statements where event triggers run', () => {
    const script = { parsed: true as const, statements: [ddl, ddl] };
    expect(decide(evidence({ script, eventTriggers: true, execution: 'by-statement' })).way).toBe('swap');
  });

  it('puts only the history back after one failed statement', () => {
    expect(decide(evidence({ script: { parsed: true, statements: [update] } })).way).toBe('history');
  });

  it.each([
    ['no error was noted, so that the script may have run to its end', null],
    ['the connection broke', 'Database error code: 08006\n\nDatabase error:\nserver closed the connection'],
  ])('swaps after a script that can change data when %s', (_, logs) => {
    const now = { history: [applied, { ...failed, logs }], witness: 'w' };
    const script = { parsed: true as const, statements: [update] };
    expect(decide(evidence({ now, script })).way).toBe('swap');
    expect(decide(evidence({ now, execution: 'one-query' })).way).toBe('swap');
    // What can change no data, or shows in the catalogs, needs no such word.
    expect(decide(evidence({ now, script: { parsed: true, statements: [ddl] } })).way).toBe('history');
  });

  it('measures how Prisma sends a script before it trusts several statements', () => {
    expect(decide(evidence()).way).toBe('measure-execution');
    expect(decide(evidence({ execution: 'one-query' })).way).toBe('history');
    expect(decide(evidence({ execution: 'by-statement' })).way).toBe('swap');
  });

  it.each([
    [
      'a statement that a rolled-back transaction does not undo',
      { script: { parsed: true as const, statements: [update, doBlock] } },
    ],
    ['one such statement alone', { script: { parsed: true as const, statements: [doBlock] } }],
    ['a script that cannot be parsed', { script: { parsed: false as const } }],
    ['a script that is not on disk', { script: null }],
    ['a sequence that was set back', { rewoundSequences: ['public.id_seq'] }],
    ['recovery set to swap', { recovery: 'swap' as const }],
    [
      'a second migration of this run that finished',
      { now: { history: [applied, { ...failed, finishedAt: 'now' }, { ...failed, id: '3' }], witness: 'w' } },
    ],
    ['a known row that changed', { now: { history: [{ ...applied, checksum: 'b' }, failed], witness: 'w' } }],
    ['a history table that was not there before', { before: { history: null, witness: 'w' } }],
  ])('swaps on %s, even where Prisma sends scripts as one query', (_, change) => {
    expect(decide(evidence({ execution: 'one-query', ...change })).way).toBe('swap');
  });

  it('stops instead of swapping when the application wrote after the backup and on-new-writes says so', () => {
    const wrote = { execution: 'by-statement' as const, writesBeforeMigration: 1 };
    expect(decide(evidence({ ...wrote, onNewWrites: 'stop' })).way).toBe('stopped');
    expect(decide(evidence(wrote)).way).toBe('swap');
    expect(decide(evidence({ ...wrote, onNewWrites: 'stop', execution: 'one-query' })).way).toBe('history');
  });

  it('counts what was written while the migration ran, and says what cannot be told apart from its own work', () => {
    const asked = { execution: 'by-statement', onNewWrites: 'stop' } as const;
    const found = (byOthers: readonly string[], notToldApart: readonly string[]) =>
      decide(evidence({ ...asked, writesMeanwhile: { byOthers, notToldApart, writtenRows: '0' } }));
    expect(decide(evidence(asked))).toEqual({ way: 'compare-writes' });
    expect(found([], []).way).toBe('swap');
    expect(found(['public."Note"'], [])).toMatchObject({
      way: 'stopped',
      because: expect.stringContaining('public."Note" was written to while the migration ran'),
    });
    expect(found([], ['public."Customer"'])).toMatchObject({
      way: 'stopped',
      because: expect.stringContaining('cannot be told apart'),
    });
  });
});
