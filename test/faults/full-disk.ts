import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { disturb, type Fault, withMoreRows } from './fault.ts';
import { type Ground, keepsCommits } from './ground.ts';
import { lineOf } from './kill.ts';
import type { Seen } from './results.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';
import { type Way, ways } from './ways.ts';

const runnerGroup = "the runner's disk is full";
const storageGroup = 'the disk of a `file://` storage is full';
const serverGroup = "the database server's disk is full";

/** A disk of the runner that is too small, or becomes full. */
function onRunner(
  name: string,
  story: string,
  options: {
    readonly megabytes: number;
    readonly inputs?: Readonly<Record<string, string>>;
    /** Filled when this phase has ended. */
    readonly fullAfter?: string;
    readonly way?: Way;
    readonly expects: RegExp;
    readonly ends: 'before' | 'after';
  },
): Fault {
  const way = options.way ?? withMoreRows(ways.migrated);
  return {
    name,
    group: runnerGroup,
    way: way.name,
    story,
    go: async (ground) => {
      await using disk = await mountSmallDisk(options.megabytes);
      const { fullAfter } = options;
      return await disturb(ground, {
        way,
        where: fullAfter === undefined ? 'dump' : `after ${fullAfter}`,
        what: `RUNNER_TEMP of ${options.megabytes} MB`,
        expects: options.expects,
        ends: options.ends,
        prepare: async () => ({ env: { RUNNER_TEMP: disk.folder }, inputs: options.inputs ?? {} }),
        disturb: async (_world, run) => {
          if (fullAfter === undefined) return;
          await run.waitForLog(lineOf(fullAfter));
          await disk.fill();
        },
      });
    },
  };
}

/** A folder of backups on a disk of its own. */
function onStorage(name: string, story: string, megabytes: number, fullAfter: string | null): Fault {
  return {
    name,
    group: storageGroup,
    way: 'migrated',
    story,
    go: async (ground) => {
      await using disk = await mountSmallDisk(megabytes);
      return await disturb(ground, {
        way: withMoreRows(ways.migrated),
        backups: disk.folder,
        where: fullAfter === null ? 'dump' : 'store',
        what: `a storage of ${megabytes} MB`,
        expects: /^run: refused \(SM_STORAGE_FULL\)/,
        ends: 'before',
        disturb: async (_world, run) => {
          if (fullAfter !== null) {
            await run.waitForLog(lineOf(fullAfter));
            await disk.fill();
          }
          await run.finished;
          await disk.free();
        },
      });
    },
  };
}

/** A server on a disk of its own, which is filled when `fullAfter` has ended and freed five seconds later. */
function onServer(fullAfter: string, hitIn: string): Fault {
  return {
    name: `server's disk full in ${hitIn}`,
    group: serverGroup,
    way: 'swap',
    story: `filled to the last byte when ${hitIn} begins, freed five seconds later`,
    go: async (ground) => {
      await using disk = await mountSmallDisk(400);
      await using cluster = await startPostgres({ within: disk.folder, settings: keepsCommits });
      return await withServerOn(disk, { ...ground, cluster }, fullAfter, hitIn);
    },
  };
}

async function withServerOn(
  disk: SmallDisk,
  ground: Ground,
  fullAfter: string,
  where: string,
): Promise<Seen> {
  return await disturb(ground, {
    way: withMoreRows(ways.swap, 4),
    where,
    what: 'not a byte left',
    expects: /^run: (refused|restored|untouched|recovery-failed)/,
    ends: 'before',
    disturb: async (_world, run) => {
      await run.waitForLog(lineOf(fullAfter));
      await disk.fill();
      await Promise.race([run.finished, sleep(5_000)]);
      await disk.free();
      await startAgainIfDown(ground.cluster);
    },
  });
}

/** Without room for its log a server ends; what keeps it running on a real machine starts it again. */
async function startAgainIfDown(cluster: ThrowawayCluster): Promise<void> {
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    const answers = await cluster.psql('postgres', 'SELECT 1').then(
      () => true,
      (error: unknown) => (/(starting up|recovery mode)/.test(String(error)) ? null : false),
    );
    if (answers === true) return;
    if (answers === false) {
      await cluster.stop('immediate').catch(() => {});
      await cluster.start().catch(() => {});
    }
    await sleep(500);
  }
  throw new Error('the server does not come back');
}

/** The runner's own files, written to a device that takes nothing. */
function lostFile(variable: string): Fault {
  return {
    name: `${variable} full`,
    group: runnerGroup,
    way: 'swap',
    story: `nothing can be written to the file that ${variable} names`,
    go: (ground) =>
      disturb(ground, {
        way: ways.swap,
        where: 'end',
        what: `${variable} is /dev/full`,
        expects: /./,
        ends: 'before',
        prepare: async () => ({ env: { [variable]: '/dev/full' } }),
      }),
  };
}

const isRefused = { expects: /^run: refused \(SM_DISK_FULL\)/, ends: 'before' } as const;

/** Not enough room, wherever something is written. */
export const fullDiskFaults: readonly Fault[] = [
  onRunner('no room for the dump', 'a dump of 12 MB, and 4 MB of room', { megabytes: 4, ...isRefused }),
  onRunner('no room for the encrypted dump', 'room for the dump and not for its encrypted copy', {
    megabytes: 16,
    inputs: { 'encryption-passphrase': 'correct horse battery staple' },
    ...isRefused,
  }),
  onRunner('no room for the report of a success', 'filled when the migration has begun', {
    megabytes: 16,
    fullAfter: 'store',
    way: ways.migrated,
    expects: /^run: migrated/,
    ends: 'after',
  }),
  onRunner('no room for the report of a recovery', 'filled when the migration has begun', {
    megabytes: 16,
    fullAfter: 'store',
    way: ways.swap,
    expects: /^run: restored/,
    ends: 'before',
  }),
  onRunner(
    'no room with verify archive',
    'filled when the migration has begun; the dump is restored after it',
    {
      megabytes: 16,
      fullAfter: 'store',
      way: ways.archive,
      expects: /^run: recovery-failed \(SM_MIGRATION_FAILED, SM_DISK_FULL\)/,
      ends: 'before',
    },
  ),
  lostFile('GITHUB_STEP_SUMMARY'),
  lostFile('GITHUB_OUTPUT'),
  lostFile('GITHUB_STATE'),
  onStorage('no room for the stored dump', 'a dump of 12 MB, and 4 MB of room', 4, null),
  onStorage('no room for the manifest', 'filled when the dump is written', 32, 'dump'),
  onServer('preflight', 'dump'),
  onServer('dump', 'prove'),
  onServer('prove', 'store'),
  onServer('store', 'migrate'),
  onServer('migrate', 'recover'),
];
