import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faults } from '../../faults/faults.ts';
import { pageText } from '../../faults/page.ts';
import { boundaryKills, plannedKill, planText } from '../../faults/plan.ts';
import { latestTrials, parseResults, type TrialLine } from '../../faults/results.ts';
import { victimNames } from '../../faults/victims.ts';
import { wayNames, ways } from '../../faults/ways.ts';
import { proofSection } from '../../proof/page.ts';
import { type DatabaseLine, readResults } from '../../proof/results.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('docs/reliability.md', () => {
  it('is what its generator makes of the committed results', async () => {
    const results = parseResults(await readFile(join(root, 'test/faults/results.jsonl'), 'utf8'));
    const databases = await readResults(join(root, 'test/proof/results.jsonl'));
    expect(await readFile(join(root, 'docs/reliability.md'), 'utf8')).toBe(pageText(results, databases));
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
    const bad = pageText([line], []);
    expect(bad).toContain('Rows lost: 3. Exceptions: 1.');
    expect(bad).toContain('- seed 1, kill 0 (tree in migrate of swap): left behind: database x');
    const well: TrialLine = { ...line, end: 'before', lostRows: 0, exception: null };
    const never: TrialLine = { ...well, id: 'kill 1', end: 'none' };
    const good = pageText([line, well, never], []);
    expect(good).toContain('1 kills at random');
    expect(good).toContain('Rows lost: 0. Exceptions: 0.');
    expect(good).toContain('None.');
  });
});

describe('its section on random databases', () => {
  const database: DatabaseLine = {
    kind: 'database',
    id: '1 0 15',
    seed: 1,
    major: 15,
    superuser: false,
    way: 'proof',
    outcome: 'missed',
    refusal: null,
    told: 0,
    differences: ['index public.i: is missing'],
    statements: 450,
    seconds: 9,
    at: '2026-11-27T10:00:00.000Z',
    commit: 'abc',
  };

  it('tells what was missed, and counts every database by its last line', () => {
    const bad = proofSection([database]).join('\n');
    expect(bad).toContain('called equal: 1. False refusals: 0.');
    expect(bad).toContain('- 1 0 15, proof, missed: index public.i: is missing');
    const refused: DatabaseLine = {
      ...database,
      outcome: 'refused',
      refusal: 'SM_NOT_EQUAL: the restored copy is not equal',
    };
    const good = proofSection([database, refused]).join('\n');
    expect(good).toContain('called equal: 0. False refusals: 0.');
    expect(good).toContain('None.');
    expect(good).toContain('| `SM_NOT_EQUAL` the restored copy is not equal | 1 |');
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
