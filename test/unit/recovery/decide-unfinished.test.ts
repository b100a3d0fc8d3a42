import { describe, expect, it } from 'vitest';
import type { Journal, JournalPhase } from '../../../src/database/journal.ts';
import type { HistoryRow } from '../../../src/prisma/migrator.ts';
import { decideUnfinished } from '../../../src/recovery/finish/decide-unfinished.ts';
import { takingRowOut } from '../../../src/recovery/hold-on.ts';
import { historyDigest } from '../../../src/recovery/journal/history-digest.ts';

const row = (migrationName: string, more: Partial<HistoryRow> = {}): HistoryRow => ({
  id: `id of ${migrationName}`,
  checksum: `sum of ${migrationName}`,
  migrationName,
  startedAt: '2026-11-22T14:25:00.000000Z',
  finishedAt: '2026-11-22T14:25:01.000000Z',
  rolledBackAt: null,
  appliedStepsCount: 1,
  logs: null,
  ...more,
});
const before = [row('init'), row('one', { id: 'earlier', rolledBackAt: '2026-11-01T00:00:00.000000Z' })];
const unfinished = { finishedAt: null };

const journal = (phase: JournalPhase, more: Partial<Journal> = {}): Journal => ({
  version: 1,
  run: 'run1',
  command: 'migrate',
  phase,
  at: '2026-11-22T14:25:00.000Z',
  targetOid: 10,
  comment: null,
  backupId: 'backup_1',
  dump: null,
  fallback: { name: 'erp__fallback_run1', oid: 20, schemaDigest: 'digest' },
  historySchema: 'public',
  migrations: ['one', 'two'].map((name) => ({ name, checksums: [`sum of ${name}`, 'with CRLF'] })),
  baseline: {
    history: historyDigest(before),
    witness: 'w',
    serverTime: '2026-11-22T14:25:00.000Z',
    writesBeforeMigration: 0,
    migrator: 'prisma',
    recovery: 'auto',
    onNewWrites: 'restore',
  },
  afterMigrateOwed: false,
  because: null,
  ...more,
});
const facts = { targetOid: 10, history: before, ageSeconds: 60, mayForgeHistory: false };
const threeDays = 3 * 24 * 60 * 60;

describe('an unfinished run', () => {
  it.each(['recover', 'swapped', 'stopped', 'recovery-failed'] as const)(
    'in phase %s whose copy bears the name of the target is swapped already',
    (phase) => {
      expect(decideUnfinished(journal(phase), { ...facts, targetOid: 20 })).toEqual({ way: 'swapped' });
    },
  );

  it.each(['quiesce', 'prove', 'recover'] as const)(
    'that is a rollback in phase %s has changed nothing but by its swap, whether there is a target or not',
    (phase) => {
      for (const targetOid of [10, null]) {
        const rollback = journal(phase, { command: 'rollback', targetOid, baseline: null, migrations: [] });
        expect(decideUnfinished(rollback, { ...facts, targetOid })).toEqual({ way: 'untouched' });
        expect(decideUnfinished(rollback, { ...facts, targetOid: 20 })).toEqual({ way: 'swapped' });
      }
    },
  );

  it.each(['stopped', 'recovery-failed'] as const)('that is %s is left to a person', (phase) => {
    for (const ageSeconds of [0, threeDays]) {
      expect(decideUnfinished(journal(phase), { ...facts, ageSeconds })).toEqual({ way: 'leave' });
    }
  });

  it.each(['dump', 'prove', 'store', 'rehearse', 'quiesce'] as const)('in phase %s is untouched', (phase) => {
    const history = [...before, row('somebody elses')];
    expect(decideUnfinished(journal(phase), { ...facts, history, ageSeconds: threeDays })).toEqual({
      way: 'untouched',
    });
  });

  it('that has not changed the history is looked at all the same, and later than an hour nothing is put back', () => {
    const history = before.toReversed();
    expect(decideUnfinished(journal('migrate'), { ...facts, history })).toEqual({
      way: 'recover',
      history,
      mayNotGoBack: null,
    });
    expect(decideUnfinished(journal('migrate'), { ...facts, history, ageSeconds: threeDays })).toEqual({
      way: 'recover',
      history,
      mayNotGoBack: expect.stringContaining('was cut off 72 hours ago'),
    });
  });

  it('that had proved before it died that its row is all there is to take back is untouched once that is gone', () => {
    const because = takingRowOut;
    expect(decideUnfinished(journal('recover', { because }), { ...facts, ageSeconds: threeDays })).toEqual({
      way: 'untouched',
    });
    const history = [...before, row('one', unfinished)];
    expect(decideUnfinished(journal('recover', { because }), { ...facts, history }).way).toBe('recover');
  });

  it('whose scripts could have written the history themselves is left to a person when that says all is applied', () => {
    const history = [...before, row('one'), row('two')];
    expect(decideUnfinished(journal('migrate'), { ...facts, history, mayForgeHistory: true }).way).toBe(
      'stop',
    );
  });

  it('whose migrations are all finished is settled, however long ago, and whatever came after', () => {
    const history = [...before, row('one'), row('two', { checksum: 'with CRLF' }), row('a later one')];
    expect(decideUnfinished(journal('migrate'), { ...facts, history, ageSeconds: threeDays })).toEqual({
      way: 'settle',
    });
  });

  it.each([
    ['unfinished', [row('one', unfinished)]],
    ['one of two finished', [row('one')]],
    ['finished with another script', [row('one'), row('two', { checksum: 'other' })]],
  ])('that is half done (%s) is recovered within an hour, and later left to a person', (_, added) => {
    const history = [...before, ...added];
    expect(decideUnfinished(journal('migrate'), { ...facts, history })).toEqual({
      way: 'recover',
      history: before,
      mayNotGoBack: null,
    });
    expect(decideUnfinished(journal('migrate'), { ...facts, history, ageSeconds: 3599 }).way).toBe('recover');
    expect(decideUnfinished(journal('migrate'), { ...facts, history, ageSeconds: 3601 }).way).toBe('stop');
  });

  it('of a first deploy is recovered to no history at all', () => {
    const first = journal('migrate', { baseline: { ...baselineOf(journal('migrate')), history: null } });
    expect(decideUnfinished(first, { ...facts, history: [row('one', unfinished)] })).toEqual({
      way: 'recover',
      history: null,
      mayNotGoBack: null,
    });
    expect(decideUnfinished(first, { ...facts, history: null }).way).toBe('recover');
    expect(decideUnfinished(first, { ...facts, history: [row('other'), row('one', unfinished)] }).way).toBe(
      'stop',
    );
  });

  it('whose history cannot be read is recovered within an hour only', () => {
    const history = 'unreadable' as const;
    expect(decideUnfinished(journal('migrate'), { ...facts, history })).toEqual({
      way: 'recover',
      history: null,
      mayNotGoBack: null,
    });
    expect(decideUnfinished(journal('migrate'), { ...facts, history, ageSeconds: threeDays }).way).toBe(
      'stop',
    );
  });

  it.each([
    ['another migration beside it', { history: [...before, row('one', unfinished), row('foreign')] }],
    ['a row that is gone', { history: [row('one', unfinished)] }],
    ['another database under its name', { targetOid: 11 }],
    ['no database under its name', { targetOid: null }],
  ])('with %s is left to a person', (_, more) => {
    expect(decideUnfinished(journal('migrate'), { ...facts, ...more }).way).toBe('stop');
  });
});

function baselineOf({ baseline }: Journal): NonNullable<Journal['baseline']> {
  if (baseline === null) throw new Error('no baseline');
  return baseline;
}
