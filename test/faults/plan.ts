import type { Kill } from './kill.ts';
import { type Random, randomOf } from './random.ts';
import type { VictimName } from './victims.ts';
import { type Way, type WayName, wayNames, ways } from './ways.ts';

/** So many of ten kills are at a phase's boundary; the others at any moment inside of one. */
const boundaryShare = 0.25;

/** In a container everything takes three times as long: half as often as the others. */
const waysAtRandom = [...wayNames, ...wayNames.filter((name) => name !== 'container')];

/** In which the target is touched; the others take turns as they come. */
const dangerous = new Set(['migrate', 'confirm', 'recover', 'settle']);

/** Every boundary of every way once: whole tree and node alone take turns. */
export function boundaryKills(seed: number): readonly Kill[] {
  return wayNames.flatMap((way) =>
    ways[way].phases.map((phase, index): Kill => {
      const random = randomOf(`${seed} boundary ${way} ${phase}`);
      const victim = index % 2 === seed % 2 ? 'node' : 'tree';
      return {
        seed: `${seed} boundary ${way} ${phase} while it runs`,
        ...{ victim, way, phase, moment: 0 },
        storage: storageFor(victim, way, random),
        finisher: finisherFor(way, random),
      };
    }),
  );
}

/** Kill number `number` of a seed, whatever was tried before it. */
export function plannedKill(seed: number, number: number): Kill {
  const random = randomOf(`${seed} ${number}`);
  const way = ways[random.pick(waysAtRandom)];
  const victim = random.pick(victimsOf(way.name));
  const phases = phasesFor(victim, way);
  // Every second one where it matters most.
  const touching = phases.filter((phase) => dangerous.has(phase));
  const phase = random.pick(touching.length > 0 && random.number() < 0.5 ? touching : phases);
  return {
    seed: `${seed} ${number} while it runs`,
    victim,
    way: way.name,
    phase,
    moment: random.number() < boundaryShare ? 0 : random.number(),
    storage: storageFor(victim, way.name, random),
    finisher: finisherFor(way.name, random),
  };
}

function victimsOf(way: WayName): readonly VictimName[] {
  if (way === 'container')
    return ['node', 'tree', 'migrator', 'tool', 'tool-inside', 'tool-inside', 'sessions'];
  const everywhere = ['node', 'tree', 'tool', 'session', 'sessions', 'server', 'storage'] as const;
  return way === 'rollback' ? everywhere : [...everywhere, 'migrator'];
}

/** Where there is something to kill. */
function phasesFor(victim: VictimName, way: Way): readonly string[] {
  switch (victim) {
    case 'node':
    case 'tree':
      return way.phases;
    case 'migrator':
      return ['preflight', 'migrate'];
    case 'storage':
      return way.phases.filter((phase) => /preflight|dump|prove|store|fetch|settle/.test(phase));
    default:
      return way.phases.filter((phase) => phase !== 'end');
  }
}

/** Where a migration was applied, or a backup is gone back to, only the same run again makes sense. */
function finisherFor(way: WayName, random: Random): Kill['finisher'] {
  return random.pick(
    way === 'migrated' || way === 'rollback' ? ['post', 'same'] : ['post', 'post', 'same', 'without'],
  );
}

/** The printed commands reach AWS and no other S3: who may need them has a folder. */
function storageFor(victim: VictimName, way: WayName, random: Random): 'file' | 's3' {
  if (victim === 'storage') return 's3';
  if (way === 'archive' || way === 'container') return 'file';
  return random.pick(['file', 's3']);
}

/** For the page and for a person who does it again. */
export function planText({ victim, way, phase, moment, storage, finisher }: Kill): string {
  const when = moment === 0 ? 'at the beginning' : `at ${Math.round(moment * 100)} %`;
  return `${victim} in ${phase} of ${way}, ${when}, storage ${storage}, then ${finisher}`;
}
