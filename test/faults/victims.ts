import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf, lookAt, type ProcessSight, signalProcess } from '../support/process-tree.ts';
import type { ActionRun } from '../support/runner.ts';
import type { FaultWorld, Ground } from './ground.ts';
import type { Random } from './random.ts';

export const victimNames = [
  'node',
  'tree',
  'migrator',
  'tool',
  'tool-inside',
  'session',
  'sessions',
  'server',
  'storage',
] as const;
export type VictimName = (typeof victimNames)[number];

/** What is killed, for the page. */
export const victimStories: Readonly<Record<VictimName, string>> = {
  node: "the action's own process alone (SIGKILL); what it has started lives on",
  tree: 'the action and everything below it at once (SIGKILL)',
  migrator: "Prisma's CLI, or the CLI with its engine (SIGKILL)",
  tool: 'one psql, pg_dump or pg_restore (SIGKILL)',
  'tool-inside': "one tool inside of the database's container (SIGKILL)",
  session: 'one session of the run (pg_terminate_backend)',
  sessions: 'all sessions of the run at once (pg_terminate_backend)',
  server: 'the whole PostgreSQL server (immediate stop), started again up to two seconds later',
  storage: 'the S3 server: every connection breaks, new ones are refused for up to three seconds',
};

/** Victims whose death is the end of the run; only post or a later run can go on. */
export const isFatal: ReadonlySet<VictimName> = new Set(['node', 'tree']);

export interface Scene {
  readonly ground: Ground;
  readonly world: FaultWorld;
  readonly run: ActionRun;
  readonly random: Random;
}

/** Kills the victim; resolves with what exactly was hit, or null when there was no such thing just then. */
export const strike: Readonly<Record<VictimName, (scene: Scene) => Promise<string | null>>> = {
  node: async ({ run }) => {
    run.signal('SIGKILL');
    await run.finished;
    return 'node';
  },
  tree: async ({ run }) => {
    await run.killTree();
    return 'everything';
  },
  migrator: async ({ run, random }) => {
    const found = await findBelow(run, /prisma|schema-engine/);
    const [first] = found;
    if (first === undefined) return null;
    const hit = random.number() < 0.5 ? [first] : found;
    for (const { pid } of hit) signalProcess(pid, 'SIGKILL');
    return `${hit.length} of ${found.length} processes of Prisma`;
  },
  tool: async ({ run, random }) => {
    const found = await findBelow(run, /^(\S*\/)?(psql|pg_dump|pg_restore)( |$)|^docker exec/);
    if (found.length === 0) return null;
    const hit = random.pick(found);
    signalProcess(hit.pid, 'SIGKILL');
    return nameOf(hit.commandLine);
  },
  'tool-inside': async ({ ground, random }) => {
    const { engine, name } = await ground.container();
    for (const deadline = Date.now() + 2_000; Date.now() < deadline; ) {
      const table = await engine.docker('top', name, '-eo', 'pid,args');
      const found = table.split('\n').filter((line) => /\d+\s+\S*(psql|pg_dump|pg_restore)( |$)/.test(line));
      if (found.length === 0) continue;
      const [, pid = '', commandLine = ''] = /^\s*(\d+)\s+(.*)$/.exec(random.pick(found)) ?? [];
      if (!signalProcess(Number(pid), 'SIGKILL')) continue;
      return nameOf(commandLine);
    }
    return null;
  },
  session: ({ world }) => terminate(world, 'ORDER BY random() LIMIT 1'),
  sessions: ({ world }) => terminate(world, ''),
  server: async ({ ground, random }) => {
    await ground.cluster.stop('immediate');
    await sleep(random.number() * 2_000);
    await ground.cluster.start();
    return 'the server';
  },
  storage: async ({ world, random }) => {
    await world.cutS3();
    await sleep(random.number() * 3_000);
    await world.mendS3();
    return 'the S3 server';
  },
};

async function findBelow(run: ActionRun, pattern: RegExp): Promise<readonly ProcessSight[]> {
  for (const deadline = Date.now() + 3_000; Date.now() < deadline; await sleep(5)) {
    const sights = await Promise.all((await descendantsOf(run.pid)).map(lookAt));
    const found = sights.filter((sight) => sight !== null).filter((sight) => pattern.test(sight.commandLine));
    if (found.length > 0) return found;
  }
  return [];
}

async function terminate(world: FaultWorld, which: string): Promise<string | null> {
  const names = await world.cluster.psql(
    'postgres',
    // Materialized: nobody's session but the run's is to be ended before the condition is looked at.
    `WITH hit AS MATERIALIZED (SELECT pid, application_name FROM pg_stat_activity WHERE usename = '${world.user}' ${which})
     SELECT application_name FROM hit WHERE pg_terminate_backend(pid)`,
  );
  return names === '' ? null : names.replaceAll('\n', ', ');
}

function nameOf(commandLine: string): string {
  return /(psql|pg_dump|pg_restore)/.exec(commandLine)?.[0] ?? commandLine.slice(0, 20);
}
