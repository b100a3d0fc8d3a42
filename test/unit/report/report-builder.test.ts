import { describe, expect, it } from 'vitest';
import { closingLines } from '../../../src/rendering/closing.ts';
import { resultSentence } from '../../../src/rendering/sentence.ts';
import { commands, failingResults, passingResults } from '../../../src/report/report.ts';
import { RefusedError, SafeMigrateError } from '../../../src/system/errors.ts';
import { recoveryFailedReport, sampleBuilder } from '../../support/sample-reports.ts';

describe('the report', () => {
  it('keeps every problem of an error with its phase and the page that explains it', () => {
    const builder = sampleBuilder();
    builder.problem(
      new RefusedError(
        [
          { code: 'SM_ONE', message: 'one', hint: 'do one' },
          { code: 'SM_TWO', message: 'two', hint: 'do two' },
        ],
        { phase: 'preflight', docs: 'postgresql.md' },
      ),
      'inputs',
    );
    builder.problem(new SafeMigrateError({ code: 'SM_THREE', message: 'three', hint: 'do three' }), 'dump');
    const page = 'https://github.com/applizor/safe-migrate/blob/main/docs';
    expect(builder.build('refused', new Date(0)).problems).toEqual([
      {
        code: 'SM_ONE',
        message: 'one',
        hint: 'do one',
        phase: 'preflight',
        docs: `${page}/postgresql.md#sm_one`,
      },
      {
        code: 'SM_TWO',
        message: 'two',
        hint: 'do two',
        phase: 'preflight',
        docs: `${page}/postgresql.md#sm_two`,
      },
      {
        code: 'SM_THREE',
        message: 'three',
        hint: 'do three',
        phase: 'dump',
        docs: `${page}/errors.md#sm_three`,
      },
    ]);
  });

  it('places an error that knows no phase in the one that failed last', () => {
    const builder = sampleBuilder();
    const record = { startedAt: new Date(0).toISOString(), durationMs: 1, fact: '' };
    builder.phase({ ...record, phase: 'dump', status: 'failed' });
    builder.phase({ ...record, phase: 'settle', status: 'done' });
    builder.problem(new SafeMigrateError({ code: 'SM_ONE', message: 'one', hint: 'do one' }));
    expect(builder.build('refused', new Date(0)).problems[0]?.phase).toBe('dump');
  });

  it('is a value of its own: what the builder learns later does not change it', () => {
    const builder = sampleBuilder();
    const before = builder.build('migrated', new Date(0));
    builder.warn('later');
    builder.pending(['later']);
    expect(before.warnings).toEqual([]);
    expect(before.pendingMigrations).toEqual([]);
  });

  it('does not repeat a warning', () => {
    const builder = sampleBuilder();
    builder.warn('old client');
    builder.warn('old client');
    expect(builder.build('migrated', new Date(0)).warnings).toEqual(['old client']);
  });

  it('has one sentence for every result of every command', () => {
    for (const result of [...passingResults, ...failingResults]) {
      const sentence = resultSentence(sampleBuilder().build(result, new Date(0)));
      expect(sentence).toMatch(/^[A-Z].*\.$/);
      expect(sentence).not.toMatch(/undefined|null|NaN/);
    }
    expect(commands).toHaveLength(6);
  });

  it('ends the log with the result and the commands to paste', () => {
    expect(closingLines(recoveryFailedReport())).toEqual([
      'recovery-failed: 20260103_split_name failed, and recovery failed as well: applizor_erp needs a person now.',
      'Finish the recovery by hand:',
      `psql -c 'ALTER DATABASE "applizor_erp" RENAME TO "applizor_erp__failed_k3f9a2"'`,
    ]);
  });
});
