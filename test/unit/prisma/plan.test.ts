import { describe, expect, test } from 'vitest';
import { checksumsOf } from '../../../src/prisma/migrations.ts';
import type { HistoryRow, MigrationFile } from '../../../src/prisma/migrator.ts';
import { judge, planMigrations } from '../../../src/prisma/plan.ts';

function file(name: string, script = `-- ${name}\n`): MigrationFile {
  return { name, path: `/m/${name}/migration.sql`, checksums: checksumsOf(script), script };
}

function row(name: string, given: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id: `id-${name}`,
    checksum: checksumsOf(`-- ${name}\n`)[0] ?? '',
    migrationName: name,
    startedAt: '2026-11-22T10:00:00.000000Z',
    finishedAt: '2026-11-22T10:00:01.000000Z',
    rolledBackAt: null,
    appliedStepsCount: 1,
    logs: null,
    ...given,
  };
}

const failed = { finishedAt: null, appliedStepsCount: 0 };
const rolledBack = { ...failed, rolledBackAt: '2026-11-22T11:00:00.000000Z' };

function codes(...args: Parameters<typeof planMigrations>): readonly string[] {
  return planMigrations(...args).problems.map((problem) => problem.code);
}

describe('the plan', () => {
  test('of a fresh database is every migration', () => {
    expect(planMigrations([file('1'), file('2')], null)).toEqual({
      pending: ['1', '2'],
      problems: [],
      warnings: [],
    });
  });

  test('holds what the history does not', () => {
    expect(planMigrations([file('1'), file('2')], [row('1')]).pending).toEqual(['2']);
  });

  test('holds a migration that was rolled back', () => {
    expect(planMigrations([file('1')], [row('1', rolledBack)])).toMatchObject({
      pending: ['1'],
      problems: [],
    });
  });

  test('does not hold a migration that was rolled back first and applied then', () => {
    expect(planMigrations([file('1')], [row('1', rolledBack), row('1', { id: 'b' })]).pending).toEqual([]);
  });

  test('refuses a failed migration and names the two ways out', () => {
    const { problems } = planMigrations([file('1')], [row('1', failed)]);
    expect(problems).toMatchObject([{ code: 'SM_HISTORY_FAILED' }]);
    expect(problems[0]?.hint).toContain('migrate resolve --rolled-back "1"');
    expect(problems[0]?.hint).toContain('migrate resolve --applied "1"');
  });

  test('refuses an edited migration', () => {
    expect(codes([file('1', 'SELECT 1;')], [row('1')])).toEqual(['SM_HISTORY_EDITED']);
  });

  test('does not take other line ends for an edit', () => {
    expect(codes([file('1', '-- 1\r\n')], [row('1')])).toEqual([]);
    expect(codes([file('1')], [row('1', { checksum: checksumsOf('-- 1\r\n')[0] ?? '' })])).toEqual([]);
  });

  test('refuses when an applied migration is not among the files', () => {
    expect(codes([file('2')], [row('1')])).toEqual(['SM_HISTORY_MISSING']);
  });

  test('refuses an empty script that is pending, and not one that is applied', () => {
    expect(codes([file('1', ' \n')], [])).toEqual(['SM_MIGRATION_UNREADABLE']);
    expect(codes([file('1', '')], [row('1', { checksum: checksumsOf('')[0] ?? '' })])).toEqual([]);
  });

  test('refuses tables without history', () => {
    expect(codes([file('1')], null, { unmanaged: ['public.a'] })).toEqual(['SM_NOT_BASELINED']);
  });

  test('names all problems at once', () => {
    expect(codes([file('1', 'x'), file('2')], [row('0'), row('1'), row('2', failed)])).toEqual([
      'SM_HISTORY_FAILED',
      'SM_HISTORY_EDITED',
      'SM_HISTORY_MISSING',
    ]);
  });

  test('warns about a pending migration that sorts before an applied one', () => {
    const { pending, warnings } = planMigrations([file('1'), file('2'), file('3')], [row('1'), row('3')]);
    expect(pending).toEqual(['2']);
    expect(warnings).toEqual(['pending migration 2 sorts before 3, which is applied already']);
  });
});

const ended = { exitCode: 0, errorCode: null };

describe('the verdict', () => {
  const files = [file('1'), file('2'), file('3')];

  test('is complete when every migration of the run is finished', () => {
    expect(judge([row('1')], [row('1'), row('2'), row('3')], files, ['2', '3'], ended)).toEqual({
      applied: ['2', '3'],
      failed: [],
      untouched: [],
      isComplete: true,
    });
  });

  test('tells applied, failed and untouched migrations apart', () => {
    const after = [row('1'), row('2', failed)];
    expect(judge(null, after, files, ['1', '2', '3'], ended)).toEqual({
      applied: ['1'],
      failed: [row('2', failed)],
      untouched: ['3'],
      isComplete: false,
    });
  });

  test('is not complete when nothing was written, whatever the exit code', () => {
    expect(judge(null, null, files, ['1'], ended)).toMatchObject({
      applied: [],
      untouched: ['1'],
      isComplete: false,
    });
  });

  test('does not count a script with other contents than the file', () => {
    const after = [row('1', { checksum: 'f'.repeat(64) })];
    expect(judge([], after, files, ['1'], ended)).toMatchObject({
      applied: [],
      untouched: [],
      isComplete: false,
    });
  });

  test('does not count rows that were there before', () => {
    const before = [row('1', failed)];
    expect(judge(before, before, files, ['1'], ended).failed).toEqual([]);
  });
});
