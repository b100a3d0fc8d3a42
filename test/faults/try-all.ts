import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Ceph, startCeph } from '../support/ceph.ts';
import { faults } from './faults.ts';
import { type Ground, startGround } from './ground.ts';
import { type Kill, tryKill } from './kill.ts';
import { boundaryKills, plannedKill, planText } from './plan.ts';
import { appendResult, latestTrials, readResults, type Seen } from './results.ts';
import { cephVersion, postgresVersion, prismaVersion } from './versions.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

/** One trial as it is planned. */
export interface Task {
  readonly kind: 'kill' | 'fault';
  readonly id: string;
  readonly seed: number;
  readonly fault: string;
  readonly way: string;
  readonly plan: string;
  readonly go: (ground: Ground) => Promise<Seen>;
}

/** A kill at every boundary, the first `kills` random kills of a seed, and every other fault once. */
export function tasksOf(seed: number, kills: number): readonly Task[] {
  return [
    ...boundaryKills(seed).map((kill) => killTask(seed, `boundary ${kill.phase} of ${kill.way}`, kill)),
    ...Array.from({ length: kills }, (_, number) =>
      killTask(seed, `kill ${number}`, plannedKill(seed, number)),
    ),
    ...faults.map(
      (fault): Task => ({
        kind: 'fault',
        id: `fault ${fault.name}`,
        seed,
        fault: fault.name,
        way: fault.way,
        plan: fault.story,
        go: (ground) => fault.go(ground, `${seed} ${fault.name}`),
      }),
    ),
  ];
}

function killTask(seed: number, id: string, kill: Kill): Task {
  return {
    kind: 'kill',
    ...{ id, seed, fault: kill.victim, way: kill.way, plan: planText(kill) },
    go: (ground) => tryKill(ground, kill),
  };
}

interface Options {
  readonly file: string;
  readonly lanes: number;
  /** No trial begins after this time, or when `stop` is aborted; those that are under way go on to their end. */
  readonly until: number;
  readonly stop: AbortSignal;
  readonly again: boolean;
  /** Tells the person who waits. */
  readonly say: (line: string) => void;
  /** Keeps the logs of an exception and says where. */
  readonly keepLogs: (task: Task, logs: readonly string[]) => Promise<string>;
}

/** Tries what the file does not hold yet, and appends each result as soon as it is there. */
export async function tryAll(tasks: readonly Task[], options: Options): Promise<void> {
  const [first] = tasks;
  if (first === undefined) return;
  const done = latestTrials(await readResults(options.file), first.seed);
  const todo = tasks.filter(({ id }) => {
    const trial = done.get(id);
    return trial === undefined || (options.again && trial.exception !== null);
  });
  options.say(
    `${tasks.length - todo.length} of ${tasks.length} trials are in ${options.file}; ${todo.length} to go`,
  );
  if (todo.length === 0) return;
  await using bundle = await copyOfDist();
  await using ceph = await startCeph();
  const commit = await commitNow();
  let hasBegun = false;
  const lane = async (): Promise<void> => {
    await using ground = await startGround(ceph, bundle.folder);
    if (!hasBegun) {
      hasBegun = true;
      await appendResult(options.file, await session(first.seed, commit, ground, ceph));
    }
    while (Date.now() < options.until && !options.stop.aborted) {
      const task = todo.shift();
      if (task === undefined) return;
      await tryOne(task, ground, commit, options);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: options.lanes }, lane));
  for (const each of lanes) if (each.status === 'rejected') throw each.reason;
}

async function tryOne(task: Task, ground: Ground, commit: string, options: Options): Promise<void> {
  const startedAt = performance.now();
  const { logs = [], ...seen } = await task.go(ground).catch(
    (error: unknown): Seen => ({
      where: '',
      seen: 'the trial itself failed',
      end: 'other',
      finishedBy: 'itself',
      lostRows: 0,
      exception: error instanceof Error ? error.message.slice(0, 2_000) : String(error),
      logs: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    }),
  );
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const { kind, id, seed, fault, way, plan } = task;
  await appendResult(options.file, {
    ...{ kind, id, seed, fault, way, plan, ...seen, seconds },
    ...{ at: new Date().toISOString(), commit },
  });
  const verdict = seen.exception === null ? seen.end : `EXCEPTION ${seen.exception}`;
  options.say(`${id}: ${plan}; hit in ${seen.where}: ${verdict} (${seen.seen}), ${seconds} s`);
  if (seen.exception !== null) options.say(`  logs: ${await options.keepLogs(task, logs)}`);
}

async function session(seed: number, commit: string, ground: Ground, ceph: Ceph) {
  return {
    kind: 'session' as const,
    ...{ seed, commit, at: new Date().toISOString() },
    machine: `${cpus().length} cores, ${process.platform} ${process.arch}`,
    versions: {
      node: process.version.slice(1),
      PostgreSQL: await postgresVersion(ground.cluster),
      Prisma: await prismaVersion(join(root, 'node_modules/prisma')),
      Ceph: await cephVersion(ceph),
    },
  };
}

/** What is under test; with a mark when dist/ is not the commit's. */
async function commitNow(): Promise<string> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout.trim();
  const hash = await git('rev-parse', '--short=10', 'HEAD');
  return (await git('status', '--porcelain', '--', 'dist', 'src')) === '' ? hash : `${hash} with changes`;
}

/** What is tried stays what it is, whoever builds meanwhile. */
export async function copyOfDist(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-dist-'));
  await cp(join(root, 'dist'), folder, { recursive: true });
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
