import type { ActionOptions, ActionRun } from '../support/runner.ts';
import { comparableState, whichState } from './compared.ts';
import { finish } from './finish.ts';
import { createFaultWorld, type FaultWorld, type Ground, type StorageKind } from './ground.ts';
import { referenceOf } from './reference.ts';
import type { Seen } from './results.ts';
import { type Way, ways } from './ways.ts';

/** A fault other than a kill, tried in one place. */
export interface Fault {
  /** Unique; stands in the results. */
  readonly name: string;
  /** Row of the page that it belongs to. */
  readonly group: string;
  readonly way: string;
  /** For the page: what is done, and where. */
  readonly story: string;
  /** `seed`: for what is chosen at random. */
  go(ground: Ground, seed: string): Promise<Seen>;
}

/** What makes a fault of a way: where it is put in, and what the run must say to it. */
export interface Disturbance {
  readonly way: Way;
  readonly storage?: StorageKind;
  /** Another folder for the backups than one of the world's own. */
  readonly backups?: string;
  readonly where: string;
  /** Read when all is over. */
  readonly what: string;
  /** What the run must tell, e.g. `/^run: refused \(SM_DISK_FULL\)/`. */
  readonly expects: RegExp;
  /** What the database must be in the end. */
  readonly ends: 'before' | 'after';
  /** Before the state is read that must come back; may return more options for the run. */
  readonly prepare?: (world: FaultWorld) => Promise<ActionOptions | undefined>;
  /** While the run goes on. */
  readonly disturb?: (world: FaultWorld, run: ActionRun) => Promise<void>;
  readonly clear?: (world: FaultWorld) => Promise<void>;
  readonly isOurs?: (leftover: string) => boolean;
}

/** Puts one fault into one run, lets it finish, and looks at everything. */
export async function disturb(ground: Ground, fault: Disturbance): Promise<Seen> {
  const { way, where } = fault;
  const after = fault.ends === 'after' ? (await referenceOf(ground, way)).after : null;
  await using world = await createFaultWorld(ground, way, {
    storage: fault.storage ?? 'file',
    ...(fault.backups === undefined ? {} : { backups: fault.backups }),
  });
  const options = await fault.prepare?.(world);
  const before = await comparableState(world);
  await using run = await world.startMigrate(options);
  await fault.disturb?.(world, run);
  const { clear } = fault;
  const finished = await finish({
    ground,
    world,
    run,
    way,
    finisher: 'post',
    isDead: false,
    expects: fault.expects,
    ...(clear === undefined ? {} : { clear: () => clear(world) }),
    ...(fault.isOurs === undefined ? {} : { isOurs: fault.isOurs }),
    look: () => whichState(world, before, after),
  });
  const isRight = finished.end === fault.ends;
  return {
    where,
    ...finished,
    seen: `${fault.what}; ${finished.seen}`,
    exception:
      finished.exception ?? (isRight ? null : `the database is as ${finished.end}, not as ${fault.ends}`),
  };
}

/** A larger one, for what needs parts or a disk that becomes full: some 12 MB after compression. */
export function withMoreRows(way: Way, megabytes = 12): Way {
  const rows = `INSERT INTO "Note" ("text") SELECT md5(n::text) || md5((n + 0.5)::text) FROM generate_series(1, ${Math.round(megabytes * 32_000)}) n;`;
  return { ...way, rows: `${way.rows}\n${rows}` };
}

/** Fails after a while in which something can be put in its way; its first statement stays. */
export const failsSoon: Way = {
  ...ways.swap,
  pending: {
    '20260103000000_next': 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(4);\nSELECT 1/0;',
  },
};
