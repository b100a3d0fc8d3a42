import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { journalOf } from '../support/dead-run.ts';
import type { ActionRun } from '../support/runner.ts';
import type { FaultWorld, Ground } from './ground.ts';

/** A killed client's backend, a tool whose pipe has broken: they end by themselves, but not at once. */
const patienceMs = 15_000;

/**
 * What runs have left behind that nobody asked for, in words: open journals, copies, sessions, processes, files,
 * uploads that were begun, objects of backups without a manifest. Kept failed databases are none of it.
 */
export async function leftovers(
  ground: Ground,
  world: FaultWorld,
  runs: readonly { readonly run: ActionRun; readonly hadPost: boolean }[],
): Promise<readonly string[]> {
  const passing = await settled(async () => [
    ...(await sessionsOf(world)),
    ...(await processesOf(runs.map(({ run }) => run))),
    ...(await toolsInside(ground, world)),
  ]);
  const journal = await journalOf(world);
  const copies = (await world.copies()).filter((name) => !name.includes('__failed_'));
  return [
    ...(journal === null ? [] : [`an open journal in phase ${journal.phase}`]),
    ...copies.map((name) => `database ${name}`),
    ...passing,
    ...(await filesOf(world, runs)),
    ...(world.storageKind === 'file' ? await inFolder(world) : await inBucket(ground, world)),
  ];
}

async function settled(look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(250)) {
    const found = await look();
    if (found.length === 0 || Date.now() > deadline) return found;
  }
}

async function sessionsOf(world: FaultWorld): Promise<readonly string[]> {
  const text = await world.cluster.psql(
    'postgres',
    `SELECT format('session of %s in %s: %s', application_name, datname, left(query, 60)) FROM pg_stat_activity WHERE usename = '${world.user}'`,
  );
  return text.split('\n').filter((line) => line !== '');
}

async function processesOf(runs: readonly ActionRun[]): Promise<readonly string[]> {
  const left = await Promise.all(runs.map((run) => run.processesLeft()));
  return left.flat().map(({ commandLine }) => `process ${commandLine.slice(0, 100)}`);
}

/** Tools that still work in the database's container. */
async function toolsInside(ground: Ground, world: FaultWorld): Promise<readonly string[]> {
  if (world.cluster === ground.cluster) return [];
  const { engine, name } = await ground.container();
  const all = await engine.processes(name);
  return all
    .filter((line) => /(pg_dump|pg_restore|psql|sh -c)\b/.test(line))
    .map((line) => `in the container: ${line.slice(0, 100)}`);
}

/** Without post the whole machine is gone, and its files with it. */
async function filesOf(
  world: FaultWorld,
  runs: readonly { readonly run: ActionRun; readonly hadPost: boolean }[],
): Promise<readonly string[]> {
  const written: string[] = [];
  for (const { run, hadPost } of runs) {
    if (!hadPost) continue;
    const paths = [...(await run.filesWritten()).keys()];
    written.push(...paths.filter((path) => path.includes('safe-migrate-work-') || path.endsWith('.dump')));
  }
  const temporary = runs.every(({ hadPost }) => hadPost)
    ? await readdir(world.temp, { recursive: true })
    : [];
  return [...written, ...temporary].map((path) => `file ${path}`);
}

async function inFolder(world: FaultWorld): Promise<readonly string[]> {
  const entries = await readdir(world.backups, { recursive: true, withFileTypes: true });
  return withoutManifest(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(world.backups.length + 1)),
  );
}

async function inBucket(ground: Ground, world: FaultWorld): Promise<readonly string[]> {
  const { objects, uploads } = await ground.ceph.contents(world.bucket);
  return [...withoutManifest(objects), ...uploads.map((key) => `an upload of ${key}`)];
}

/** Whole backups may stay; everything else is litter. */
function withoutManifest(paths: readonly string[]): readonly string[] {
  const whole = new Set(
    paths
      .filter((path) => path.endsWith('/manifest.json'))
      .map((path) => path.slice(0, -'manifest.json'.length)),
  );
  return paths
    .filter(
      (path) =>
        !/\/(manifest\.json|(details\.json|database\.dump)(\.age)?)$/.test(path) ||
        !whole.has(path.replace(/[^/]*$/, '')),
    )
    .map((path) => `object ${path}`);
}
