import { describe, expect, it } from 'vitest';
import type { HistoryRow } from '../../../src/prisma/migrator.ts';
import { decide, type Evidence } from '../../../src/recovery/decide.ts';

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

const ddl = { kind: 'CreateStmt', line: 1, mayChangeData: false, breaksAtomicity: false };
const update = { kind: 'UpdateStmt', line: 2, mayChangeData: true, breaksAtomicity: false };
const doBlock = { kind: 'DoStmt', line: 3, mayChangeData: true, breaksAtomicity: true };

/** One failed row, catalogs as before, a script of one table and one update. */
function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    before: { history: [applied], witness: 'w' },
    now: { history: [applied, failed], witness: 'w' },
    script: { parsed: true, statements: [ddl, update] },
    eventTriggers: false,
    contents: 'not-compared',
    execution: 'not-measured',
    rewoundSequences: [],
    recovery: 'auto',
    writesBeforeMigration: 0,
    onNewWrites: 'restore',
    foreignDeploy: false,
    ...changes,
  };
}

describe('decide', () => {
  it('says untouched when history and catalogs are as before, whatever else is known', () => {
    const same = { history: [applied], witness: 'w' };
    expect(decide(evidence({ now: same })).way).toBe('untouched');
    expect(decide(evidence({ now: same, foreignDeploy: true, recovery: 'swap' })).way).toBe('untouched');
    expect(
      decide(evidence({ before: { history: null, witness: 'w' }, now: { history: null, witness: 'w' } })).way,
    ).toBe('untouched');
  });

  it('trusts no history alone where a migrate-command may have done more: rows that changed are swapped away', () => {
    const same = { history: [applied], witness: 'w' };
    expect(decide(evidence({ now: same, contents: 'as-before' })).way).toBe('untouched');
    expect(decide(evidence({ now: same, contents: 'changed' }))).toMatchObject({
      way: 'swap',
      because: expect.stringContaining('migrate-command may have changed them'),
    });
    expect(decide(evidence({ contents: 'changed', script: { parsed: true, statements: [ddl] } })).way).toBe(
      'swap',
    );
    expect(decide(evidence({ contents: 'changed', foreignDeploy: true })).way).toBe('stopped');
  });

  it('puts the history back when every table was read and holds what it held, whatever the script', () => {
    expect(
      decide(evidence({ contents: 'as-before', script: { parsed: true, statements: [doBlock] } })).way,
    ).toBe('history');
    expect(decide(evidence({ contents: 'as-before', recovery: 'swap' })).way).toBe('swap');
  });

  it('does not care in which order the history rows are read', () => {
    const before = { history: [applied, failed], witness: 'w' };
    expect(decide(evidence({ before, now: { history: [failed, applied], witness: 'w' } })).way).toBe(
      'untouched',
    );
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
});
