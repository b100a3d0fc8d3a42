import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectServer } from '../../src/database/postgres/connect/connect.ts';
import { parsePostgresUrl } from '../../src/database/postgres/server/url.ts';
import { type StartedDocker, startDocker } from '../support/docker.ts';
import type { DockerPostgres, ServerImage } from '../support/docker-postgres.ts';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { importPostgresImage } from '../support/postgres-image.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };
const failing = '20260103000000_split_name';

/** A server of PostgreSQL 17 on a machine that has the tools of 15: an image with both is all that Docker has. */
let engine: StartedDocker;
let image: ServerImage;
let folder: string;
let server: DockerPostgres;
let published: DockerPostgres & AsyncDisposable;

beforeAll(async () => {
  engine = await startDocker();
  image = await importPostgresImage(engine);
  folder = await mkdtemp(join(tmpdir(), 'safe-migrate-sockets-'));
  await mkdir(join(folder, 'hidden'));
  await chmod(folder, 0o755);
  await chmod(join(folder, 'hidden'), 0o777);
  server = await engine.startPostgres({ name: 'postgres-17', network: 'host', image });
  const hidden = await engine.startPostgres({ name: 'hidden-17', sockets: join(folder, 'hidden'), image });
  published = await hidden.publish(join(folder, 'hidden'));
}, 300_000);

afterAll(async () => {
  await published?.[Symbol.asyncDispose]();
  await engine?.[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function clientContainers(): Promise<readonly string[]> {
  const names = await engine.docker('ps', '--all', '--format', '{{.Names}}');
  return names.split('\n').filter((name) => name.startsWith('safe-migrate-'));
}

describe('a server of PostgreSQL 17 and tools of 15', () => {
  it("is migrated with the tools of the server's own image, and no container stays", async () => {
    await using world = await createWorld({ cluster: server, pending });
    await using run = await world.migrate({ env: engine.environment, watchProcesses: true });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'migrated',
      'restore-proved': 'true',
    });
    expect(run.result.log).toMatch(/tools 17\.\d+ in image postgres:17/);
    expect(await world.copies()).toEqual([]);
    expect(await clientContainers()).toEqual([]);
    const seen = run.result.processes.map(({ commandLine }) => commandLine).join('\n');
    expect(seen).toContain('--network=host');
    expect(seen).not.toContain(`=${world.user}`);
  });

  it('comes back by swap when the migration fails', async () => {
    await using world = await createWorld({ cluster: server, pending: { [failing]: splitNameFails } });
    const before = await world.state();
    await using run = await world.migrate({ env: engine.environment });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    expect(await world.state()).toEqual(before);
  });

  it.each([
    ['migrates', addQuotations, { result: 'migrated' }],
    ['comes back by swap when the migration fails', splitNameFails, { result: 'restored' }],
  ])('%s with the tools of its own container', async (_, sql, outputs) => {
    await using world = await createWorld({ cluster: published, pending: { [failing]: sql } });
    const before = await world.state();
    await using run = await world.migrate({ inputs: { container: 'hidden-17' }, env: engine.environment });
    expect(run.result.outputs, run.result.log).toMatchObject(outputs);
    expect(run.result.log).toMatch(/tools 17\.\d+ in container hidden-17/);
    if (outputs.result === 'restored') expect(await world.state()).toEqual(before);
  });

  it('leaves no container behind when the run is killed', async () => {
    await using world = await createWorld({ cluster: server, pending });
    const client = new pg.Client({ connectionString: world.url });
    await client.connect();
    try {
      await client.query('BEGIN; LOCK TABLE "Note" IN ACCESS EXCLUSIVE MODE');
      await using run = await world.startMigrate({ env: engine.environment });
      const waits = `SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'safe-migrate dump' AND wait_event_type = 'Lock'`;
      await expect.poll(() => server.psql('postgres', waits), { timeout: 150_000 }).toBe('t');
      expect(await clientContainers()).toHaveLength(1);
      await run.killTree();
      await expect.poll(clientContainers).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it('takes the image that client-image names', async () => {
    await engine.docker('tag', image.name, 'registry.test/team/tools:1');
    await using world = await createWorld({ cluster: server, pending });
    await using run = await world.migrate({
      inputs: { command: 'backup', 'client-image': 'registry.test/team/tools:1' },
      env: engine.environment,
    });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'backed-up' });
    expect(run.result.log).toContain('in image registry.test/team/tools:1');
  });

  it('is refused when that image cannot be had, and says what to do', async () => {
    await using world = await createWorld({ cluster: server, pending });
    const options = { inputs: { 'client-image': '127.0.0.1:9/team/tools:1' }, env: engine.environment };
    const { problems } = (await expectRefused(world, options, ['SM_CLIENT_IMAGE'])).report;
    expect(problems[0]?.message).toContain('cannot be pulled');
    expect(problems[0]?.hint).toContain('docker load');
  });

  it('is refused where Docker does not answer, with both ways out', async () => {
    await using world = await createWorld({ cluster: server, pending });
    const { problems } = (await expectRefused(world, {}, ['SM_CLIENT_TOO_OLD'])).report;
    expect(problems[0]?.hint).toMatch(/apt-get install -y postgresql-client-17/);
    expect(problems[0]?.hint).toMatch(/Docker run them from postgres:17 .*engine does not answer/);
  });

  it('is asked for its version by the newest image where the machine has no tools at all', async ({
    onTestFinished,
  }) => {
    // Whatever the newest image would be, it is not the server's major here.
    await engine.docker('tag', image.name, 'postgres:18');
    const own = process.env.DOCKER_HOST;
    process.env.DOCKER_HOST = engine.info.host;
    onTestFinished(() => {
      process.env.DOCKER_HOST = own;
    });
    const { target } = parsePostgresUrl(server.url());
    if (target === null) throw new Error('no target');
    await using found = await connectServer(target, { folders: [] });
    expect(found.tools.fact).toMatch(/^tools 17\.\d+ in image postgres:17$/);
    expect(await clientContainers()).toHaveLength(1);
  });
});
