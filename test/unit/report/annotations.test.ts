import { describe, expect, it } from 'vitest';
import { annotationsOf } from '../../../src/rendering/annotations.ts';
import { SafeMigrateError } from '../../../src/system/errors.ts';
import {
  migratedReport,
  recoveryFailedReport,
  refusedReport,
  restoredReport,
  sampleBuilder,
} from '../../support/sample-reports.ts';

describe('annotations', () => {
  it('mark the failing line of migration.sql once, with state, hint and link', () => {
    expect(annotationsOf(restoredReport())).toEqual([
      {
        level: 'error',
        title: 'Migration 20260103_split_name failed',
        file: 'prisma/migrations/20260103_split_name/migration.sql',
        line: 4,
        message: [
          'column "first" of relation "User" contains null values (SQLSTATE 23502)',
          '20260103_split_name failed; applizor_erp is again as it was before, 0.4 s later (swap).',
          'HINT: Repair the script and deploy again; nothing has to be resolved.',
          'https://github.com/applizor/safe-migrate/blob/main/docs/recovery.md#sm_migration_failed',
        ].join('\n'),
      },
    ]);
  });

  it('show every problem of a refusal', () => {
    expect(annotationsOf(refusedReport()).map(({ level, title }) => [level, title])).toEqual([
      ['error', 'SM_INPUT in inputs'],
      ['error', 'SM_NOT_YET in inputs'],
    ]);
  });

  it('show the failure of the migration and that of the recovery', () => {
    const titles = annotationsOf(recoveryFailedReport()).map(({ title }) => title);
    expect(titles).toEqual(['Migration 20260103_split_name failed', 'SM_SWAP_FAILED in recover']);
  });

  it('show warnings of a run that passed', () => {
    expect(annotationsOf(migratedReport()).map(({ level }) => level)).toEqual(['warning']);
  });

  it('never leave a failed job without an error', () => {
    expect(annotationsOf(sampleBuilder().build('stopped', new Date(0)))).toHaveLength(1);
  });

  it('are at most ten of a kind; the last one holds the rest', () => {
    const builder = sampleBuilder();
    for (let index = 0; index < 25; index++) {
      builder.warn(`warning ${index}`);
      builder.problem(new SafeMigrateError({ code: 'SM_INPUT', message: `problem ${index}`, hint: 'h' }));
    }
    const annotations = annotationsOf(builder.build('refused', new Date(0)));
    for (const level of ['error', 'warning']) {
      const ofLevel = annotations.filter((annotation) => annotation.level === level);
      expect(ofLevel).toHaveLength(10);
      expect(ofLevel.at(-1)?.title).toBe('safe-migrate: 16 more');
      expect(ofLevel.at(-1)?.message).toContain('24');
    }
  });
});
