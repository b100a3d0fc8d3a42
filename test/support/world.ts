import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { Ceph } from './ceph.ts';
import { compileCache } from './compile-cache.ts';
import { type DatabaseState, readDatabaseState } from './database-state.ts';
import { erpMigrations, erpRows } from './erp.ts';
import type { PostgresCluster } from './postgres.ts';
import { type EngineMode, engineModeOf, prismaEngineEnv } from './prisma-engine/prisma-engine.ts';
import { createPrismaProject, type PrismaChoice, type PrismaProject, prismaCliOf } from './prisma-project.ts';
import { type ActionOptions, type ActionResult, type ActionRun, runAction, startAction } from './runner.ts';
import { sharedCeph, sharedPostgres } from './shared-servers.ts';
import { createFromTemplate } from './world-template.ts';

const run = promisify(execFile);

/** A team's situation: a database with rows and history, its Prisma project, a bucket. */
export interface World extends AsyncDisposable {
  readonly cluster: PostgresCluster;
  readonly database: string;
  readonly user: string;
  readonly url: string;
  readonly project: PrismaProject;
  /** A folder of the world's own, removed with it. */
  readonly folder: string;
  readonly bucket: string;
  readonly storageUrl: string;
  readonly engineMode: EngineMode;
  /** Inputs and environment of a deploy job; given ones win. */
  action(options?: ActionOptions): ActionOptions;
  migrate(options?: ActionOptions): Promise<ActionRun & { readonly result: ActionResult }>;
  startMigrate(options?: ActionOptions): Promise<ActionRun>;
  /** The project's own Prisma, as a person would run it. */
  prisma(...args: readonly string[]): Promise<string>;
  psql(sql: string): Promise<string>;
  state(): Promise<DatabaseState>;
  /** Databases that safe-migrate made for this target and that are there now. */
  copies(): Promise<string[]>;
  /** Keys and contents in the bucket. */
  stored(): Promise<ReadonlyMap<string, Buffer>>;
}

export interface WorldOptions {
  /** Migrations that are applied already; default: the ERP's. */
  readonly applied?: Readonly<Record<string, string>>;
  /** Rows that are there already; default: the ERP's. */
  readonly rows?: string;
  /** Migrations that wait to be deployed. */
  readonly pending?: Readonly<Record<string, string>>;
  /** The project's Prisma; default: 7. */
  readonly prisma?: PrismaChoice;
  /** How Prisma's engine sends a script; default: as this Prisma's own does, from 7.4 on statement by statement. */
  readonly engineMode?: EngineMode;
  /** A server of the test's own instead of the shared one. */
  readonly cluster?: PostgresCluster;
  /** An S3 server of its own instead of the shared one: outside of vitest nothing is shared. */
  readonly ceph?: Ceph;
  /** Database and role with special names. */
  readonly names?: { readonly database: string; readonly user: string; readonly password: string };
  /** Added to the URL, e.g. `schema=Sales`. */
  readonly query?: string;
  /** Many worlds of this kind are made on `cluster`: the first fills a template there, the others copy it. */
  readonly manyAlike?: boolean;
}

/** Makes a world on the shared servers; `await using` removes it again. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const cluster = options.cluster ?? (await sharedPostgres());
  const ceph = options.ceph ?? (await sharedCeph());
  const choice = options.prisma ?? '7';
  const engineMode = options.engineMode ?? engineModeOf(choice);
  const applied = options.applied ?? erpMigrations;
  const rows = options.rows ?? erpRows;
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-world-'));
  const project = await createPrismaProject(join(folder, 'app'), {
    migrations: applied,
    prisma: choice,
  });
  const prismaFor = async (databaseUrl: string, args: readonly string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, [prismaCliOf(choice, project.directory), ...args], {
      cwd: project.directory,
      env: {
        PATH: process.env.PATH ?? '',
        ...compileCache,
        ...prismaEngineEnv(engineMode, choice),
        DATABASE_URL: databaseUrl,
      },
    });
    return stdout;
  };
  const fill = async (place: Owned): Promise<void> => {
    await prismaFor(urlOf(place, options), ['migrate', 'deploy']);
    await cluster.psql(place.database, rows, place);
  };
  const owned = await createDatabase(cluster, options, [choice, applied, rows], fill).catch(async (error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const url = urlOf(owned, options);
  const bucket = `world-${owned.database
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '-')
    .slice(-40)}-${Date.now()}`;
  await ceph.createBucket(bucket);
  const storageUrl = ceph.storageUrl(bucket, 'backups');

  const world: World = {
    cluster,
    database: owned.database,
    user: owned.user,
    url,
    project,
    folder,
    bucket,
    storageUrl,
    engineMode,
    action: (given = {}) => ({
      workspace: project.directory,
      ...given,
      inputs: { 'database-url': url, storage: storageUrl, ...given.inputs },
      env: { ...prismaEngineEnv(engineMode, choice), ...ceph.environment(), ...given.env },
    }),
    migrate: (given) => runAction(world.action(given)),
    startMigrate: (given) => startAction(world.action(given)),
    prisma: (...args) => prismaFor(url, args),
    psql: (sql) => cluster.psql(owned.database, sql, { user: owned.user, password: owned.password }),
    state: () => readDatabaseState(cluster, owned.database),
    copies: async () => {
      const all = await cluster.databases();
      return all.filter(
        (name) => name.startsWith(`${owned.database.slice(0, 20)}`) && name !== owned.database,
      );
    },
    stored: () => readBucket(ceph, bucket),
    async [Symbol.asyncDispose]() {
      await Promise.all([rm(folder, { recursive: true, force: true }), dropWorld(cluster, owned.database)]);
    },
  };
  try {
    for (const [name, sql] of Object.entries(options.pending ?? {})) await project.writeMigration(name, sql);
    return world;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The servers are shared: what a thousand worlds leave behind would fill the memory that they live in, and autovacuum would
 * visit each of them. Whatever stands in the way (a server that was stopped) is no failure of the test.
 */
async function dropWorld(cluster: PostgresCluster, database: string): Promise<void> {
  const name = database.replaceAll("'", "''");
  await cluster
    .psql(
      'postgres',
      `SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
        WHERE datname = '${name}' OR starts_with(datname, '${name}__') \\gexec`,
    )
    .catch(() => {});
}

type Owned = Awaited<ReturnType<PostgresCluster['createOwnedDatabase']>>;

function urlOf(owned: Owned, options: WorldOptions): string {
  return options.query ? `${owned.url}?${options.query}` : owned.url;
}

/** Copied from a template unless it is special in itself, large, or alone on its server. */
async function createDatabase(
  cluster: PostgresCluster,
  options: WorldOptions,
  ingredients: readonly unknown[],
  fill: (owned: Owned) => Promise<void>,
): Promise<Owned> {
  const isSpecial = [options.names, options.query, options.cluster, options.rows].some(
    (each) => each !== undefined,
  );
  if (!isSpecial || options.manyAlike === true) {
    return createFromTemplate(cluster, 'erp', ingredients, fill);
  }
  const owned = options.names
    ? await createNamed(cluster, options.names)
    : await cluster.createOwnedDatabase('erp');
  await fill(owned);
  return owned;
}

async function createNamed(cluster: PostgresCluster, names: NonNullable<WorldOptions['names']>) {
  await cluster.createRole(names.user, { password: names.password });
  await cluster.createDatabase(names.database, names.user);
  return { ...names, url: cluster.url(names) };
}

async function readBucket(ceph: Ceph, bucket: string): Promise<ReadonlyMap<string, Buffer>> {
  const { objects } = await ceph.contents(bucket);
  const client = ceph.client();
  try {
    const stored = new Map<string, Buffer>();
    for (const key of objects) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      stored.set(key, Buffer.from((await Body?.transformToByteArray()) ?? []));
    }
    return stored;
  } finally {
    client.destroy();
  }
}
