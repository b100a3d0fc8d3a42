import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StartedDocker, startDocker } from '../support/docker.ts';
import type { DockerPostgres } from '../support/docker-postgres.ts';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { inputsOfExample } from '../support/example-workflow.ts';
import { prismaEngineEnv } from '../support/prisma-engine/prisma-engine.ts';
import { expectNothingLeft, readReport } from '../support/refusal.ts';
import type { ActionRun } from '../support/runner.ts';
import { prismaStarts, writeDownStarts } from '../support/starts.ts';
import { createWorld, type World, type WorldOptions } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };
const failing = '20260103000000_split_name';

/** The runbook's case: PostgreSQL in a container, 5432 inside, published on another port for Prisma. */
let engine: StartedDocker;
let folder: string;
let server: DockerPostgres & AsyncDisposable;

beforeAll(async () => {
  engine = await startDocker();
  folder = await mkdtemp(join(tmpdir(), 'safe-migrate-sockets-'));
  server = await startServer('applizor-postgres');
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await engine?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function startServer(name: string, labels: readonly string[] = []) {
  const sockets = join(folder, name);
  await mkdir(sockets, { mode: 0o777 });
  await chmod(sockets, 0o777);
  const hidden = await engine.startPostgres({ name, sockets, labels });
  return await hidden.publish(sockets);
}

const inContainer = (container = 'applizor-postgres') => ({
  inputs: { container },
  env: engine.environment,
});

const newWorld = (options: WorldOptions = {}) => createWorld({ cluster: server, ...options });

/** Programs of the database that still run in the container on behalf of a client. */
async function toolsInside(): Promise<readonly string[]> {
  const all = await engine.processes('applizor-postgres');
  return all.filter((line) => /(pg_dump|pg_restore|psql|sh -c)\b/.test(line));
}

async function isDumping(world: World): Promise<void> {
  const sql = `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '${world.database}' AND application_name = 'safe-migrate dump' AND wait_event_type = 'Lock'`;
  // Every tool is started by docker: on a busy machine it takes a while to get here.
  await expect.poll(() => world.cluster.psql('postgres', sql), { timeout: 150_000 }).toBe('t');
}

/** Holds pg_dump at a table until `work` is done. */
async function whileDumpWaits(world: World, work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: world.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE "Note" IN ACCESS EXCLUSIVE MODE');
  try {
    await work();
  } finally {
    await client.end();
  }
}

function toolsOnMachine(run: Awaited<ReturnType<World['migrate']>>): readonly string[] {
  return run.result.processes
    .map(({ commandLine }) => commandLine)
    .filter((line) => /(^|\/)(psql|pg_dump|pg_restore)\b/.test(line) && !line.startsWith('docker exec'));
}

describe('with the tools in the container of the database', () => {
  it('migrates', async () => {
    await using world = await newWorld({ pending });
    const starts = writeDownStarts(world.folder);
    const { inputs, env } = inContainer();
    await using run = await world.migrate({ inputs, env: { ...env, ...starts.env }, watchProcesses: true });
    const { outputs, log, exitCode } = run.result;
    expect(exitCode, log).toBe(0);
    expect(outputs).toMatchObject({ result: 'migrated', 'restore-proved': 'true' });
    expect(log).toMatch(/tools \d+\.\d+ in container applizor-postgres/);
    expect(await world.psql('SELECT count(*) FROM "Quotation"')).toBe('0');
    expect(await world.copies()).toEqual([]);
    expect(toolsOnMachine(run)).toEqual([]);
    // That Prisma reaches the same server has to be proved here, by a start of its own.
    const prisma = ['prisma migrate status', 'prisma db execute', 'prisma migrate deploy'];
    const started = await starts.list();
    expect(prismaStarts(started)).toEqual(prisma);
    expect(await toolsInside()).toEqual([]);
  });

  it('recovers by swap when the migration fails', async () => {
    await using world = await newWorld({ pending: { [failing]: splitNameFails } });
    const before = await world.state();
    await using run = await world.migrate(inContainer());
    const { outputs, log, exitCode } = run.result;
    expect(exitCode, log).toBe(1);
    expect(outputs).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([outputs['failed-database']]);
    expect(await toolsInside()).toEqual([]);
  });

  it('leaves no pg_dump in the container when the run is cancelled', async () => {
    await using world = await newWorld({ pending });
    const before = await world.state();
    await whileDumpWaits(world, async () => {
      await using run = await world.startMigrate(inContainer());
      await isDumping(world);
      expect((await toolsInside()).join()).toContain('pg_dump');
      const result = await run.cancel();
      expect(result.outputs, result.log).toMatchObject({ result: 'refused' });
      expect(await toolsInside()).toEqual([]);
      await expectNothingLeftOf(run);
    });
    expect(await world.state()).toEqual(before);
    await expectNothingLeft(world);
  });

  it('leaves no pg_dump in the container when the run is killed', async () => {
    await using world = await newWorld({ pending });
    await whileDumpWaits(world, async () => {
      await using run = await world.startMigrate(inContainer());
      await isDumping(world);
      await run.killTree();
      await expect.poll(toolsInside).toEqual([]);
    });
    await using again = await world.migrate(inContainer());
    expect(again.result.outputs, again.result.log).toMatchObject({ result: 'migrated' });
  });

  it('gives user, password and names with special characters to the tools, and never in arguments', async () => {
    const password = `p@ss:/?#[]%20 "quoted" $HOME 'x' ; \\ ü`;
    await using world = await newWorld({
      pending,
      names: { database: `erp "x" $1 'ü'`, user: 'owner @ home', password },
    });
    await using run = await world.migrate({ ...inContainer(), watchProcesses: true });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
    const seen = run.result.processes.map(({ commandLine }) => commandLine).join('\n');
    expect(seen).toContain('docker exec');
    expect(seen).not.toContain('p@ss');
    expect(run.result.rawLog).not.toContain(password);
  });
});

describe('a database that only containers reach', () => {
  const repository = fileURLToPath(new URL('../../', import.meta.url));

  /** The application's container, in the network of the database, with the project in it as its image would have it. */
  async function applicationOf(world: World, container = 'applizor-postgres') {
    const environment = prismaEngineEnv(world.engineMode, '7');
    const app = await engine.startApp({
      networkOf: container,
      mounts: [repository, world.folder],
    });
    const variables = [...Object.keys(environment), 'DATABASE_URL'].map((name) => `--env ${name}`).join(' ');
    const prisma = `${process.execPath} node_modules/prisma/build/index.js migrate deploy`;
    const inside = new URL(world.url);
    inside.port = '5432';
    return {
      inputs: {
        container,
        // On this machine nothing listens there; in the containers it is the database.
        'database-url': inside.href,
        'migrate-command': `docker exec ${variables} --workdir ${world.project.directory} ${app.container} ${prisma}`,
      },
      env: engine.environment,
    };
  }

  it('is migrated by the Prisma of a container in its network', async () => {
    await using world = await newWorld({ pending });
    await using run = await world.migrate(await applicationOf(world));
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
    expect(run.result.log).toContain('the migrator was led to the database that is backed up');
    expect(await world.psql('SELECT count(*) FROM "Quotation"')).toBe('0');
  });

  it('is migrated as the example workflow for docker compose says', async () => {
    await using composed = await startServer('erp-postgres-1', [
      'com.docker.compose.project=erp',
      'com.docker.compose.service=postgres',
    ]);
    await using world = await createWorld({ cluster: composed, pending });
    const { inputs, env } = await applicationOf(world, 'erp-postgres-1');
    const backups = join(world.folder, 'backups');
    await mkdir(backups);
    await using run = await world.migrate({
      inputs: inputsOfExample('compose.yml', {
        'secrets.DATABASE_URL': inputs['database-url'],
        'secrets.BACKUP_PASSPHRASE': 'correct horse battery staple',
        // There is no compose file here: its `run` is the `exec` of a container in the same network.
        'docker compose run --rm app npx prisma migrate deploy': inputs['migrate-command'],
        'file:///var/backups/erp\nartifact://\n': `file://${backups}\n${world.storageUrl}`,
      }),
      env,
    });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
    expect(run.result.log).toContain('in container erp-postgres-1');
  });

  it('comes back by swap when that migration fails', async () => {
    await using world = await newWorld({ pending: { [failing]: splitNameFails } });
    const before = await world.state();
    await using run = await world.migrate(await applicationOf(world));
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'failed-migration': failing,
    });
    expect(await world.state()).toEqual(before);
  });
});

describe('the container', () => {
  it('is found by the name of its compose service', async () => {
    await using composed = await startServer('erp-db-1', [
      'com.docker.compose.project=erp',
      'com.docker.compose.service=db',
    ]);
    await using world = await createWorld({ cluster: composed, pending });
    await using run = await world.migrate({
      ...inContainer('db'),
      inputs: { container: 'db', command: 'backup' },
    });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'backed-up' });
    expect(run.result.log).toContain('in container erp-db-1');
  });

  it('must be the one that Prisma reaches by the URL', async () => {
    await using other = await startServer('other-postgres');
    await using world = await createWorld({ cluster: other, pending });
    // The same role, password and database in the container that is named.
    await server.createRole(world.user);
    await server.createDatabase(world.database, world.user);
    await using run = await world.migrate(inContainer());
    expect(run.result.exitCode).toBe(1);
    const { problems } = await readReport(run.result);
    expect(problems.map(({ code }) => code)).toContain('SM_OTHER_SERVER');
    const told = problems.find(({ code }) => code === 'SM_OTHER_SERVER')?.message ?? '';
    expect(told.match(/system identifier \d+/g)).toHaveLength(2);
    expect(await world.copies()).toEqual([]);
  });

  it.each([
    ['no-such-container', 'SM_CONTAINER_NOT_FOUND', /Running are .*applizor-postgres/],
    ['sleeping', 'SM_CONTAINER_STOPPED', /docker start/],
    ['toolless', 'SM_UNREACHABLE', /docker logs toolless/],
  ])('is refused in words: %s', async (container, code, hint) => {
    if (container === 'sleeping') {
      await engine.startApp({ name: 'sleeping' });
      await engine.docker('kill', 'sleeping');
    }
    if (container === 'toolless') await engine.startApp({ name: 'toolless' });
    await using world = await newWorld({ pending });
    await using run = await world.migrate(inContainer(container));
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'refused' });
    const { problems } = await readReport(run.result);
    expect(problems).toMatchObject([{ code, hint: expect.stringMatching(hint) }]);
  });

  it('is refused in words where Docker does not answer', async () => {
    await using world = await newWorld({ pending });
    await using run = await world.migrate({ inputs: { container: 'applizor-postgres' } });
    const { problems } = await readReport(run.result);
    expect(problems.map(({ code }) => code)).toEqual(['SM_DOCKER_UNREACHABLE']);
  });
});

async function expectNothingLeftOf(run: ActionRun): Promise<void> {
  const files = [...(await run.filesWritten()).keys()];
  expect(files.filter((path) => path.includes('safe-migrate-work-'))).toEqual([]);
}
