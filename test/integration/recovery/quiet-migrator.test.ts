import { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DeployResult } from '../../../src/prisma/migrator.ts';
import { quietMigrator } from '../../../src/recovery/quiet-migrator.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { recordingLog } from '../database/proving.ts';
import { createGround, type Ground, run } from './ground.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const slow = {
  '1_slow':
    'CREATE TABLE "first" ("id" INTEGER);\nSELECT pg_sleep(60);\nCREATE TABLE "second" ("id" INTEGER);',
};
const nothing: DeployResult = {
  exitCode: 1,
  signal: null,
  output: '',
  errorCode: null,
  localPorts: new Set(),
};

/** Kills the migrator with SIGKILL while its statement runs, and shows that the server goes on with it. */
async function outlivedMigrator(ground: Ground): Promise<{ deployed: DeployResult; backend: number }> {
  const killing = new AbortController();
  const deploying = ground.migrator.deploy(recordingLog().log, killing.signal);
  await expect.poll(() => sleepers(ground), { timeout: 30_000 }).toHaveLength(1);
  killing.abort();
  const deployed = await deploying;
  const [backend = 0] = await sleepers(ground);
  expect(backend).toBeGreaterThan(0);
  expect(await ground.database.prismaLockHolder()).toMatchObject({ pid: backend });
  return { deployed, backend };
}

async function sleepers({ name }: Ground): Promise<number[]> {
  const text = await cluster.psql(
    'postgres',
    `SELECT pid FROM pg_stat_activity WHERE datname = '${name}' AND query LIKE '%pg_sleep(60)%' AND state = 'active'`,
  );
  return text.split('\n').filter(Boolean).map(Number);
}

/** Somebody else's deploy: a session that holds Prisma's lock. */
async function somebodyElse({ url }: Ground): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url, application_name: 'another deploy' });
  client.on('error', () => {});
  await client.connect();
  await client.query('SELECT pg_advisory_lock(72707369)');
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) });
}

describe("a backend that outlived its killed migrator, with Prisma's lock", () => {
  test('is ended when it carries the name that this run gave its sessions', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { deployed } = await outlivedMigrator(ground);
    const { log, lines } = recordingLog();
    const quieted = await quietMigrator(ground.database, { ...deployed, localPorts: new Set() }, run, log);
    expect(quieted).toEqual({ foreignDeploy: false });
    expect(await sleepers(ground)).toEqual([]);
    expect(await ground.database.prismaLockHolder()).toBeNull();
    expect(lines.join()).toContain('which outlived its process');
    // It did not get to its next statement.
    expect(await cluster.psql(ground.name, `SELECT to_regclass('first'), to_regclass('second')`)).toBe(
      'first|',
    );
  });

  test('is ended when it came from a port that the migrator was seen using', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { deployed } = await outlivedMigrator(ground);
    expect(deployed.localPorts.size).toBeGreaterThan(0);
    // Another name, as of an engine that does not read PGAPPNAME.
    const quieted = await quietMigrator(ground.database, deployed, 'another', recordingLog().log);
    expect(quieted).toEqual({ foreignDeploy: false });
    expect(await sleepers(ground)).toEqual([]);
  });

  test('is left alone when it cannot be proved to be ours', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { backend } = await outlivedMigrator(ground);
    const { log, lines } = recordingLog();
    const quieted = await quietMigrator(ground.database, nothing, 'another', log);
    expect(quieted).toEqual({ foreignDeploy: true });
    expect(await sleepers(ground)).toEqual([backend]);
    expect(lines.join()).toContain('is not ours and is left alone');
    await cluster.psql('postgres', `SELECT pg_terminate_backend(${backend})`);
  });
});

describe("somebody else's deploy, with Prisma's lock", () => {
  test('is never ended, and told at once when our migrator did not get the lock', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    await using other = await somebodyElse(ground);
    const startedAt = performance.now();
    const quieted = await quietMigrator(
      ground.database,
      { ...nothing, errorCode: 'P1002' },
      run,
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: true });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await other.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('is waited for when it only stood behind ours and gives up in a moment', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const other = await somebodyElse(ground);
    const quieting = quietMigrator(ground.database, nothing, run, recordingLog().log);
    // Longer than a session of our own is given.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await other.end();
    expect(await quieting).toEqual({ foreignDeploy: false });
  });

  test('is no matter when nobody holds the lock', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    expect(await quietMigrator(ground.database, nothing, run, recordingLog().log)).toEqual({
      foreignDeploy: false,
    });
  });
});
