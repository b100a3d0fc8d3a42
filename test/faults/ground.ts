import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ceph } from '../support/ceph.ts';
import { type StartedDocker, startDocker } from '../support/docker.ts';
import type { DockerPostgres } from '../support/docker-postgres.ts';
import { type PostgresCluster, startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { createWorld, type World } from '../support/world.ts';
import { startS3Link } from './s3-link.ts';
import type { Way } from './ways.ts';

/** Servers of one lane of trials: its own PostgreSQL, because trials stop it; the S3 server is shared. */
export interface Ground extends AsyncDisposable {
  readonly cluster: ThrowawayCluster;
  readonly ceph: Ceph;
  /** Folder of the bundle that is tried; null: the repository's. */
  readonly dist: string | null;
  /** A PostgreSQL in a container of an engine of its own, started when it is first asked for. */
  container(): Promise<ContainerGround>;
}

export interface ContainerGround {
  readonly engine: StartedDocker;
  readonly server: DockerPostgres;
  readonly name: string;
}

/** What was answered as committed must be there after a crash, as on any server that matters; tests do without. */
export const keepsCommits: readonly string[] = ['synchronous_commit = on'];

/** Ends with everything that it has started. */
export async function startGround(ceph: Ceph, dist: string | null = null): Promise<Ground> {
  const cluster = await startPostgres({ settings: keepsCommits });
  let contained: Promise<ContainerGround & AsyncDisposable> | null = null;
  return {
    cluster,
    ceph,
    dist,
    container: () => {
      contained ??= startContainerGround();
      return contained;
    },
    async [Symbol.asyncDispose]() {
      await (await contained?.catch(() => null))?.[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function startContainerGround(): Promise<ContainerGround & AsyncDisposable> {
  await using started = new AsyncDisposableStack();
  const engine = started.use(await startDocker());
  const sockets = await mkdtemp(join(tmpdir(), 'safe-migrate-sockets-'));
  started.defer(() => rm(sockets, { recursive: true, force: true }));
  await chmod(sockets, 0o777);
  const name = 'applizor-postgres';
  const hidden = await engine.startPostgres({ name, sockets });
  const server = started.use(await hidden.publish(sockets));
  const all = started.move();
  return { engine, server, name, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

export type StorageKind = 'file' | 's3';

/** A world for one trial; disposing of it removes its databases, too, whatever they are called by then. */
export interface FaultWorld extends World {
  readonly storageKind: StorageKind;
  /** Folder of the backups when they are kept in one. */
  readonly backups: string;
  /** Folder for the action's temporary files. */
  readonly temp: string;
  /** The way to the S3 server breaks, and is mended. */
  cutS3(): Promise<void>;
  mendS3(): Promise<void>;
}

export async function createFaultWorld(
  ground: Ground,
  way: Pick<Way, 'pending' | 'rows' | 'inputs'>,
  options: {
    readonly storage: StorageKind;
    readonly inContainer?: boolean;
    readonly backups?: string;
  },
): Promise<FaultWorld> {
  await using owned = new AsyncDisposableStack();
  const contained = options.inContainer === true ? await ground.container() : null;
  const cluster: PostgresCluster = contained?.server ?? ground.cluster;
  const world = await createWorld({
    cluster,
    ceph: ground.ceph,
    rows: way.rows,
    pending: way.pending,
    manyAlike: true,
  });
  owned.defer(() => world[Symbol.asyncDispose]());
  owned.defer(() => dropDatabases(world));
  const link = owned.use(await startS3Link(ground.ceph.endpoint));
  const [backups, temp] = [options.backups ?? join(world.folder, 'backups'), join(world.folder, 'tmp')];
  for (const folder of [backups, temp]) await mkdir(folder, { recursive: true });
  const storage =
    options.storage === 'file'
      ? `file://${backups}`
      : ground.ceph.storageUrl(world.bucket, 'backups', link.endpoint);
  const inputs = {
    storage,
    ...way.inputs,
    ...(way.inputs.command === 'rollback' ? { confirm: world.database } : {}),
    ...(contained === null ? {} : { container: contained.name }),
  };
  const action: World['action'] = (given = {}) =>
    world.action({
      ...(ground.dist === null ? {} : { dist: ground.dist }),
      ...given,
      inputs: { ...inputs, ...given.inputs },
      env: { TMPDIR: temp, ...contained?.engine.environment, ...given.env },
    });
  const all = owned.move();
  return {
    ...world,
    action,
    migrate: async (given) => {
      const run = await world.startMigrate(action(given));
      return Object.assign(run, { result: await run.finished });
    },
    startMigrate: (given) => world.startMigrate(action(given)),
    storageKind: options.storage,
    backups,
    temp,
    cutS3: () => link.cut(),
    mendS3: () => link.mend(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function dropDatabases(world: World): Promise<void> {
  const { cluster, database, user } = world;
  const names = [database, ...(await world.copies())];
  await cluster.psql(
    'postgres',
    [
      `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '${user}'`,
      ...names.map((name) => `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`),
      `DROP ROLE IF EXISTS "${user}"`,
    ].join(';\n'),
  );
}
