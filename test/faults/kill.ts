import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionRun } from '../support/runner.ts';
import { comparableState, whichState } from './compared.ts';
import { type Finisher, finish } from './finish.ts';
import { createFaultWorld, type FaultWorld, type Ground, type StorageKind } from './ground.ts';
import { randomOf } from './random.ts';
import { type Reference, referenceOf } from './reference.ts';
import type { Seen } from './results.ts';
import { isFatal, strike, type VictimName } from './victims.ts';
import { type Way, type WayName, ways } from './ways.ts';

/** One kill, completely: the same one twice differs only in what the machine does meanwhile. */
export interface Kill {
  /** For the numbers that are drawn while it runs. */
  readonly seed: string;
  readonly victim: VictimName;
  readonly way: WayName;
  readonly phase: string;
  /** 0: at the boundary, as soon as the log says that the phase before has ended; otherwise the share of its usual length. */
  readonly moment: number;
  readonly storage: StorageKind;
  /** Who goes on: the step's own post, or a later run. */
  readonly finisher: Finisher;
}

/** A run that got to its end before the moment came is tried again, a little earlier. */
const attempts = 4;

/** Kills once, lets post or a later run finish, and looks at everything. Never rejects because of what it finds. */
export async function tryKill(ground: Ground, kill: Kill): Promise<Seen> {
  const reference = await referenceOf(ground, ways[kill.way]);
  for (let attempt = 1; ; attempt += 1) {
    const earlier = { ...kill, moment: kill.moment * 0.7 ** (attempt - 1) };
    const seen = await attemptKill(ground, earlier, reference);
    if (seen !== null) return seen;
    if (attempt === attempts) {
      return {
        where: kill.phase,
        seen: 'there was nothing to hit any more',
        end: 'none',
        finishedBy: 'itself',
        lostRows: 0,
        exception: null,
      };
    }
  }
}

/** null: nothing was hit. */
async function attemptKill(ground: Ground, kill: Kill, reference: Reference): Promise<Seen | null> {
  const way = ways[kill.way];
  await using world = await createFaultWorld(ground, way, {
    storage: kill.storage,
    inContainer: kill.way === 'container',
  });
  const { before, after } = await prepare(world, way, reference);
  await using run = await world.startMigrate();
  let hit: string | null = null;
  let where = '';
  try {
    await untilMoment(run, way, kill, reference);
    if (await hasEnded(run)) return null;
    where = phaseIn(run.logSoFar(), way);
    hit = await strike[kill.victim]({ ground, world, run, random: randomOf(kill.seed) });
  } catch (error) {
    if (await hasEnded(run)) return null;
    throw error;
  }
  if (hit === null) return null;
  const finished = await finish({
    ground,
    world,
    run,
    way,
    finisher: kill.finisher,
    isDead: isFatal.has(kill.victim),
    look: () => whichState(world, before, after),
  });
  return { where, ...finished, seen: `hit ${hit}; ${finished.seen}` };
}

/** What the database is before the run, and what it would be after it. */
async function prepare(world: FaultWorld, way: Way, reference: Reference) {
  if (way.name !== 'rollback') return { before: await comparableState(world), after: reference.after };
  const after = await comparableState(world);
  await using backup = await world.migrate({ inputs: { command: 'backup', confirm: '' } });
  if (backup.result.outputs.result !== 'backed-up') throw new Error(`no backup:\n${backup.result.log}`);
  await world.psql(`DELETE FROM "Invoice" WHERE "id" % 3 = 0;
    ALTER TABLE "Note" ADD COLUMN "since" INTEGER;
    INSERT INTO "Customer" ("name") SELECT 'new ' || n FROM generate_series(1, 100) n;`);
  // After a crash PostgreSQL lets a sequence skip what it had logged in advance, unless a checkpoint came between.
  await world.cluster.psql('postgres', 'CHECKPOINT');
  return { before: await comparableState(world), after };
}

async function untilMoment(run: ActionRun, way: Way, kill: Kill, reference: Reference): Promise<void> {
  const previous = way.phases[way.phases.indexOf(kill.phase) - 1];
  if (previous !== undefined) await run.waitForLog(lineOf(previous));
  if (kill.moment > 0) await sleep(kill.moment * (reference.phaseMs.get(kill.phase) ?? 100));
}

/** The line that ends a phase. */
export function lineOf(phase: string): RegExp {
  return new RegExp(`^${phase}\\s+\\d+\\.\\d s  `, 'm');
}

/** The phase that goes on when a log has come so far. */
function phaseIn(log: string, way: Way): string {
  const last = way.phases.findLastIndex((phase) => lineOf(phase).test(log));
  return way.phases[last + 1] ?? 'end';
}

async function hasEnded(run: ActionRun): Promise<boolean> {
  return Promise.race([run.finished.then(() => true), sleep(0, false)]);
}
