import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { randomOf } from '../faults/random.ts';
import { copyOfDist } from '../faults/try-all.ts';
import { postgresVersion, prismaVersion } from '../faults/versions.ts';
import { clientToolsFor } from '../support/client-tools.ts';
import { type PostgresCluster, startPostgres } from '../support/postgres.ts';
import { build, createEmpty, type Plan } from './grammar/build.ts';
import { installOwnExtensions } from './grammar/own-extensions.ts';
import { createProject, judgeBundle } from './judge-bundle.ts';
import { type Judgement, judgeProof } from './judge-proof.ts';
import { appendResult, type DatabaseLine, latest, readResults } from './results.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');
const majors = [15, 16, 17, 18];

/** One database as it is planned. */
export interface Task extends Plan {
  readonly id: string;
  /** Whether it goes through the whole action as well. */
  readonly bundle: boolean;
}

/** The databases of a seed: majors take turns, every second one goes through the whole action. */
export function tasksOf(seed: number, count: number, major: number | null): readonly Task[] {
  return Array.from({ length: count }, (_, number) => {
    const here = major ?? majors[number % majors.length] ?? 15;
    const id = `${seed} ${number} ${here}`;
    const superuser = randomOf(`${id} superuser`).number() < 0.4;
    return {
      id,
      seed: id,
      major: here,
      superuser,
      statements: 420,
      bundle: Math.floor(number / majors.length) % 2 === 0,
    };
  });
}

/** What becomes of one database, and of the SQL that made it. */
export async function judgeOne(
  cluster: PostgresCluster,
  task: Task,
  tools: string,
  dist?: string,
): Promise<{
  readonly judgements: Partial<Record<DatabaseLine['way'], Judgement>>;
  readonly script: string;
  readonly statements: number;
}> {
  await using stack = new AsyncDisposableStack();
  const stem = `proof_${task.id.replaceAll(' ', '_')}`;
  const empty = stack.use(await createEmpty(cluster, stem, task.superuser));
  const project = task.bundle ? stack.use(await createProject(cluster, empty)) : null;
  const built = await build(cluster, empty, task);
  const script = built.accepted.map(({ kind, sql, by }) => `-- ${kind}, by the ${by}\n${sql};`).join('\n');
  const proof = await judgeProof(cluster, empty, tools);
  const judgements: Partial<Record<DatabaseLine['way'], Judgement>> = { proof };
  if (project !== null) {
    const [swap, rollback] = await judgeBundle(
      { cluster, empty, project, tools, ...(dist === undefined ? {} : { dist }) },
      task.seed,
    );
    judgements.swap = swap;
    if (rollback !== null) judgements.rollback = rollback;
  }
  return { judgements, script, statements: built.accepted.length };
}

interface Options {
  readonly seed: number;
  readonly file: string;
  readonly lanes: number;
  /** No database is begun after this time, or when `stop` is aborted. */
  readonly until: number;
  readonly stop: AbortSignal;
  readonly say: (line: string) => void;
}

/** Judges what was not judged for this code yet, and appends each result as soon as it is there. */
export async function judgeAll(tasks: readonly Task[], options: Options): Promise<void> {
  const commit = await commitNow();
  const done = new Set(
    latest(await readResults(options.file))
      .filter((each) => each.commit === commit)
      .map(({ id }) => id),
  );
  const todo = tasks.filter(({ id }) => !done.has(id));
  options.say(
    `${tasks.length - todo.length} of ${tasks.length} databases were judged for ${commit}; ${todo.length} to go`,
  );
  if (todo.length === 0) return;
  await using dist = await copyOfDist();
  const servers = new Map<number, Promise<Awaited<ReturnType<typeof startPostgres>>>>();
  try {
    const serverOf = (major: number) => {
      const started = servers.get(major) ?? startGround(major);
      servers.set(major, started);
      return started;
    };
    const begun = new Date().toISOString();
    const lane = async (): Promise<void> => {
      while (Date.now() < options.until && !options.stop.aborted) {
        const task = todo.shift();
        if (task === undefined) return;
        await judgeTask(await serverOf(task.major), task, dist.folder, commit, options);
      }
    };
    await Promise.all(Array.from({ length: options.lanes }, lane));
    const versions: Record<string, string> = {
      node: process.version.slice(1),
      Prisma: await prismaVersion(join(root, 'node_modules/prisma')),
    };
    for (const [major, server] of servers)
      versions[`PostgreSQL ${major}`] = await postgresVersion(await server);
    await appendResult(options.file, {
      kind: 'session',
      seed: options.seed,
      at: begun,
      commit,
      machine: `${cpus().length} cores, ${process.platform} ${process.arch}`,
      versions,
    });
  } finally {
    for (const server of servers.values()) await (await server.catch(() => null))?.[Symbol.asyncDispose]();
  }
}

async function startGround(major: number) {
  const cluster = await startPostgres({ major });
  await installOwnExtensions(cluster);
  return cluster;
}

async function judgeTask(
  cluster: PostgresCluster,
  task: Task,
  dist: string,
  commit: string,
  { file, seed, say }: Options,
): Promise<void> {
  const startedAt = performance.now();
  const { judgements, script, statements } = await judgeOne(
    cluster,
    task,
    await clientToolsFor(task.major),
    dist,
  ).catch((error: unknown) => ({
    judgements: { proof: failed(error) },
    script: '',
    statements: 0,
  }));
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const told: string[] = [];
  for (const [way, judgement] of Object.entries(judgements) as [DatabaseLine['way'], Judgement][]) {
    const { outcome, refusal } = judgement;
    const found = judgement.differences.map(({ name, how }) => `${name}: ${how}`);
    await appendResult(file, {
      kind: 'database',
      ...{
        id: task.id,
        seed,
        major: task.major,
        superuser: task.superuser,
        way,
        outcome,
        refusal: refusal?.slice(0, 400) ?? null,
      },
      told: outcome === 'told' ? found.length : 0,
      differences: outcome === 'told' ? [] : found.slice(0, 5).map((each) => each.slice(0, 200)),
      ...{ statements, seconds, at: new Date().toISOString(), commit },
    });
    told.push(`${way} ${outcome}`);
    if (outcome === 'missed' || outcome === 'false refusal')
      say(`  ${task.id} ${way} ${outcome.toUpperCase()}: ${await keep(task, way, script, judgement)}`);
  }
  say(
    `${task.id} (${task.superuser ? 'superuser' : 'owner'}, ${statements} statements): ${told.join(', ')}, ${seconds} s`,
  );
}

function failed(error: unknown): Judgement {
  const how =
    error instanceof Error ? `${error.message}\n${error.stack}\n${String(error.cause ?? '')}` : String(error);
  return {
    outcome: 'missed',
    refusal: 'the trial itself failed',
    told: [],
    differences: [{ name: 'trial', how }],
  };
}

/** For the person who looks into it; nothing of it is committed. */
async function keep(task: Task, way: string, script: string, judgement: Judgement): Promise<string> {
  const folder = join(root, 'test/proof/logs');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${task.id.replaceAll(' ', '-')}-${way}.sql`);
  const found = judgement.differences.map(({ name, how }) => `-- ${name}: ${how}`.replaceAll('\n', '\n-- '));
  await writeFile(
    file,
    [
      `-- ${judgement.refusal ?? ''}`.replaceAll('\n', '\n-- '),
      ...judgement.told.map((each) => `-- told: ${each}`),
      ...found,
      '',
      script,
    ].join('\n'),
  );
  return file;
}

/** What is under test; with a mark when it is not the commit's. The bundle is built from src/. */
async function commitNow(): Promise<string> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout.trim();
  const hash = await git('log', '-1', '--format=%h', '--abbrev=10', '--', 'src', 'test/proof');
  return (await git('status', '--porcelain', '--', 'src')) === '' ? hash : `${hash} with changes`;
}
