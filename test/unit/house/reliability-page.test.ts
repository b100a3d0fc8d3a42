import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faults } from '../../faults/faults.ts';
import { pageText } from '../../faults/page.ts';
import { boundaryKills, plannedKill, planText } from '../../faults/plan.ts';
import { latestTrials, parseResults, type TrialLine } from '../../faults/results.ts';
import { victimNames } from '../../faults/victims.ts';
import { wayNames, ways } from '../../faults/ways.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('docs/reliability.md', () => {
  it('is what its generator makes of the committed results', async () => {
    const results = parseResults(await readFile(join(root, 'test/faults/results.jsonl'), 'utf8'));
    expect(await readFile(join(root, 'docs/reliability.md'), 'utf8')).toBe(pageText(results));
  });

  it('tells every trial by its last line, and none whose fault never came', () => {
    const line: TrialLine = {
      kind: 'kill',
      id: 'kill 0',
      seed: 1,
      fault: 'tree',
      way: 'swap',
      plan: 'tree in migrate of swap',
      where: 'migrate',
      seen: 'hit everything; post: restored',
      end: 'other',
      finishedBy: 'post',
      lostRows: 3,
      exception: 'left behind: database x',
      seconds: 1,
      at: '2026-11-25T10:00:00.000Z',
      commit: 'abc',
    };
    const bad = pageText([line]);
    expect(bad).toContain('Rows lost: 3. Exceptions: 1.');
    expect(bad).toContain('- seed 1, kill 0 (tree in migrate of swap): left behind: database x');
    const well: TrialLine = { ...line, end: 'before', lostRows: 0, exception: null };
    const never: TrialLine = { ...well, id: 'kill 1', end: 'none' };
    const good = pageText([line, well, never]);
    expect(good).toContain('1 kills at random');
    expect(good).toContain('Rows lost: 0. Exceptions: 0.');
    expect(good).toContain('None.');
  });
});

describe('the plan of kills', () => {
  it('is the same for the same seed, and another one for another', () => {
    const plans = (seed: number) =>
      Array.from({ length: 50 }, (_, number) => planText(plannedKill(seed, number)));
    expect(plans(1)).toEqual(plans(1));
    expect(plans(1)).not.toEqual(plans(2));
  });

  it('has every boundary of every way, and every victim in 300 random kills', () => {
    const boundaries = boundaryKills(1).map(({ way, phase }) => `${way} ${phase}`);
    const all = wayNames.flatMap((way) => ways[way].phases.map((phase) => `${way} ${phase}`));
    expect(boundaries).toEqual(all);
    const kills = Array.from({ length: 300 }, (_, number) => plannedKill(1, number));
    expect(new Set(kills.map(({ victim }) => victim))).toEqual(new Set(victimNames));
    expect(new Set(kills.map(({ way }) => way))).toEqual(new Set(wayNames));
  });

  it('names every other fault once', () => {
    const names = faults.map(({ name }) => name);
    expect(names.length).toBe(new Set(names).size);
  });
});

describe('results', () => {
  it('are read up to a line that was cut off, and later lines replace earlier ones', () => {
    const trial = (id: string, end: string) =>
      JSON.stringify({
        ...{ kind: 'kill', id, seed: 1, fault: 'node', way: 'swap', plan: '', where: '', seen: '' },
        ...{ end, finishedBy: 'post', lostRows: 0, exception: null, seconds: 1 },
        ...{ at: '2026-11-25T10:00:00.000Z', commit: 'abc' },
      });
    const text = `${trial('kill 0', 'other')}\n${trial('kill 0', 'before')}\n${trial('kill 1', 'after').slice(0, 40)}`;
    const trials = latestTrials(parseResults(text), 1);
    expect([...trials.values()].map(({ id, end }) => [id, end])).toEqual([['kill 0', 'before']]);
  });
});
