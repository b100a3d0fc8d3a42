import { setTimeout as sleep } from 'node:timers/promises';
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

/** Before every session of these tests. */
const since = '2020-01-01T00:00:00.000Z';

/** Kills the migrator with SIGKILL while its statement runs, and shows that the server goes on with it. */
async function outlivedMigrator(
  ground: Ground,
): Promise<{ deployed: DeployResult; backend: number; since: string }> {
  const since = await clockOf(ground);
  const killing = new AbortController();
  const deploying = ground.migrator.deploy(recordingLog().log, killing.signal);
  await expect.poll(() => sleepers(ground), { timeout: 60_000 }).toHaveLength(1);
  // Its ports are looked at a few times a second: on a busy machine not yet in the moment it begins.
  await sleep(1_000);
  killing.abort();
  const deployed = await deploying;
  const [backend = 0] = await sleepers(ground);
  expect(backend).toBeGreaterThan(0);
  expect(await ground.database.prismaLockHolder()).toMatchObject({ pid: backend });
  return { deployed, backend, since };
}

/** The server's clock, as the baseline notes it before the migration. */
function clockOf({ name }: Ground): Promise<string> {
  const now = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  return cluster.psql(name, `SELECT ${now}`);
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
    const { deployed, since } = await outlivedMigrator(ground);
    const { log, lines } = recordingLog();
    const quieted = await quietMigrator(
      ground.database,
      { deployed: { ...deployed, localPorts: new Set() }, run, since },
      log,
    );
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
    const { deployed, since } = await outlivedMigrator(ground);
    expect(deployed.localPorts.size).toBeGreaterThan(0);
    // Another name, as of an engine that does not read PGAPPNAME.
    const quieted = await quietMigrator(
      ground.database,
      { deployed, run: 'another', since },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: false });
    expect(await sleepers(ground)).toEqual([]);
  });

  test('is left alone when only the port fits: the session is older than the migration', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { deployed, backend } = await outlivedMigrator(ground);
    const quieted = await quietMigrator(
      ground.database,
      { deployed: { ...deployed, errorCode: 'P1002' }, run: 'another', since: await clockOf(ground) },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: true });
    expect(await sleepers(ground)).toEqual([backend]);
    await cluster.psql('postgres', `SELECT pg_terminate_backend(${backend})`);
  });

  test('is left alone when it cannot be proved to be ours', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { backend, since } = await outlivedMigrator(ground);
    const { log, lines } = recordingLog();
    const quieted = await quietMigrator(ground.database, { deployed: nothing, run: 'another', since }, log);
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
    const since = await clockOf(ground);
    const startedAt = performance.now();
    const quieted = await quietMigrator(
      ground.database,
      { deployed: { ...nothing, errorCode: 'P1002' }, run, since },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: true });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect((await other.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('is waited for when it only stood behind ours and gives up in a moment', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const other = await somebodyElse(ground);
    const since = await clockOf(ground);
    const quieting = quietMigrator(ground.database, { deployed: nothing, run, since }, recordingLog().log);
    // Longer than a session of our own is given.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await other.end();
    expect(await quieting).toEqual({ foreignDeploy: false });
  });

  test('is no matter when nobody holds the lock', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    expect(
      await quietMigrator(ground.database, { deployed: nothing, run, since }, recordingLog().log),
    ).toEqual({
      foreignDeploy: false,
    });
  });
});
