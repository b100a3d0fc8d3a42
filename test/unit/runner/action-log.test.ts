import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { PhaseRecord } from '../../../src/report/report.ts';
import { ActionLog } from '../../../src/runner/action-log.ts';
import { RefusedError } from '../../../src/system/errors.ts';

function startLog(progressIntervalMs = 10_000) {
  const phases: PhaseRecord[] = [];
  const warnings: string[] = [];
  let text = '';
  const log = new ActionLog({
    record: { phase: (record) => void phases.push(record), warn: (line) => void warnings.push(line) },
    progressIntervalMs,
    write: (piece) => {
      text += piece;
    },
  });
  return { log, phases, warnings, lines: () => text.trimEnd().split('\n') };
}

describe('the log', () => {
  it('has one aligned line per phase and no empty folds', async () => {
    const { log, lines, phases } = startLog();
    log.headline('applizor_erp at 127.0.0.1:5432, PostgreSQL 15.18');
    const value = await log.phase('preflight', async () => ({ fact: '1.4 GB, 214 tables', value: 42 }));
    await log.phase('dump', async () => ({ fact: '109 MB', value: null }));
    expect(value).toBe(42);
    expect(lines()).toEqual([
      'safe-migrate: applizor_erp at 127.0.0.1:5432, PostgreSQL 15.18',
      expect.stringMatching(/^preflight {3}0\.\d s {2}1\.4 GB, 214 tables$/),
      expect.stringMatching(/^dump {8}0\.\d s {2}109 MB$/),
    ]);
    expect(phases.map(({ phase, status, fact }) => [phase, status, fact])).toEqual([
      ['preflight', 'done', '1.4 GB, 214 tables'],
      ['dump', 'done', '109 MB'],
    ]);
  });

  it('folds details and child output, and keeps warnings visible', async () => {
    const { log, lines, warnings } = startLog();
    await log.phase('migrate', async (phase) => {
      phase.detail('starting');
      phase.output('Applying migr');
      phase.output('ation `a`\n::error::from a child\n');
      phase.warn('slow');
      phase.output('unfinished');
      return { fact: '1 migration applied', value: null };
    });
    expect(lines()).toEqual([
      '::group::migrate',
      'starting',
      'Applying migration `a`',
      '\\::error::from a child',
      '::endgroup::',
      'warning: slow',
      '::group::migrate',
      'unfinished',
      '::endgroup::',
      'migrate     0.0 s  1 migration applied',
    ]);
    expect(warnings).toEqual(['slow']);
  });

  it('says that a phase failed, with every reason counted, and passes the error on', async () => {
    const { log, lines, phases } = startLog();
    const error = new RefusedError([
      { code: 'SM_ONE', message: 'the bucket is missing', hint: '' },
      { code: 'SM_TWO', message: 'two', hint: '' },
    ]);
    await expect(log.phase('preflight', () => Promise.reject(error))).rejects.toBe(error);
    expect(lines()).toEqual(['preflight   0.0 s  failed: the bucket is missing; and 1 more problem']);
    expect(phases[0]?.status).toBe('failed');
  });

  it('marks a phase that failed without an error', async () => {
    const { log, phases } = startLog();
    await log.phase('migrate', async () => ({ fact: 'failed in a', value: null, failed: true }));
    expect(phases[0]?.status).toBe('failed');
  });

  it('prints progress while a phase lasts, only when it has changed', async () => {
    const { log, lines } = startLog(20);
    const texts = ['10 MB', '10 MB', undefined, '20 MB'];
    await log.phase('dump', async (phase) => {
      phase.progress(() => texts.shift());
      while (texts.length > 0) await delay(5);
      return { fact: '20 MB', value: null };
    });
    expect(lines().map((line) => line.replace(/\d+\.\d s/, 'x s'))).toEqual([
      '::group::dump',
      'x s  10 MB',
      'x s  20 MB',
      '::endgroup::',
      expect.stringMatching(/^dump +x s {2}20 MB$/),
    ]);
  });

  it('opens the group of a long silent phase, so that one sees where it stands', async () => {
    const { log, lines } = startLog(10);
    await log.phase('prove', async () => {
      await delay(50);
      return { fact: 'equal', value: null };
    });
    expect(lines()[0]).toBe('::group::prove');
  });

  it('does not open it again, with nothing in it, after a warning', async () => {
    const { log, lines } = startLog(10);
    await log.phase('prove', async (phase) => {
      phase.detail('restoring');
      phase.warn('slow');
      await delay(50);
      return { fact: 'equal', value: null };
    });
    expect(lines().slice(0, -1)).toEqual(['::group::prove', 'restoring', '::endgroup::', 'warning: slow']);
  });

  it('lets no name with line breaks give the runner a command', async () => {
    const { log, lines } = startLog();
    log.headline('db\n::error::x');
    await log.phase('dump', async () => ({ fact: '::a\r::error::y ##[error]z', value: null }));
    log.warn('x\n::error::y');
    for (const line of lines()) expect(line).not.toMatch(/^\s*::|##\[/);
  });
});
