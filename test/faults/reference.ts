import { comparableState } from './compared.ts';
import { createFaultWorld, type Ground } from './ground.ts';
import type { Way } from './ways.ts';

/** A way as it goes when nobody disturbs it. */
export interface Reference {
  /** How long its phases take here, milliseconds. */
  readonly phaseMs: ReadonlyMap<string, number>;
  /** What a migration that succeeds makes of the database; null where the state after is the state before. */
  readonly after: { readonly rest: string; readonly history: null } | null;
}

const known = new WeakMap<Ground, Map<string, Promise<Reference>>>();

/** Goes it once on this ground, the first time it is asked for; rejects when it does not end as it must. */
export function referenceOf(ground: Ground, way: Way): Promise<Reference> {
  const ofGround = known.get(ground) ?? new Map<string, Promise<Reference>>();
  known.set(ground, ofGround);
  // The same way may start from other rows.
  const key = JSON.stringify(way);
  const reference = ofGround.get(key) ?? go(ground, way);
  ofGround.set(key, reference);
  return reference;
}

async function go(ground: Ground, way: Way): Promise<Reference> {
  await using world = await createFaultWorld(ground, way, {
    storage: 'file',
    inContainer: way.name === 'container',
  });
  if (way.name === 'rollback') {
    await using backup = await world.migrate({ inputs: { command: 'backup', confirm: '' } });
    if (backup.result.outputs.result !== 'backed-up') throw new Error(`no backup:\n${backup.result.log}`);
  }
  const before = await comparableState(world);
  const startedAt = performance.now();
  await using run = await world.migrate();
  const wholeMs = performance.now() - startedAt;
  const { outputs, log } = run.result;
  if (outputs.result !== way.result || (way.method !== '' && outputs['recovery-method'] !== way.method)) {
    throw new Error(`${way.name} ends with ${outputs.result} by ${outputs['recovery-method']}:\n${log}`);
  }
  const after = await comparableState(world);
  const isAsBefore = after.rest === before.rest && after.history === before.history;
  if (isAsBefore === (way.name === 'migrated')) throw new Error(`${way.name} does not leave what it should`);
  return {
    phaseMs: phasesIn(run.result.visibleLog, wholeMs, way),
    after: way.name === 'migrated' ? { rest: after.rest, history: null } : null,
  };
}

/** From the log's lines; the first phase also holds the start of node, and what is left at the end is the last one's. */
function phasesIn(log: string, wholeMs: number, way: Way): ReadonlyMap<string, number> {
  const told = new Map(
    [...log.matchAll(/^(\w+)\s+(\d+\.\d) s {2}/gm)].map(([, phase = '', seconds]) => [
      phase,
      Number(seconds) * 1000,
    ]),
  );
  const sum = [...told.values()].reduce((all, ms) => all + ms, 0);
  const rest = Math.max(0, wholeMs - sum);
  const phases = way.phases.map((phase): [string, number] => {
    const ms = told.get(phase) ?? 0;
    if (phase === 'preflight') return [phase, ms + rest * 0.6];
    return [phase, phase === 'end' ? rest * 0.3 : Math.max(ms, 30)];
  });
  return new Map(phases);
}
