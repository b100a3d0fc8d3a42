import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import type { DeployResult } from '../../../src/prisma/migrator.ts';
import { quietMigrator } from '../../../src/recovery/quiet/quiet-migrator.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { recordingLog } from '../database/proving.ts';
import { createGround, type Ground, run } from './ground.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
  await loadParser();
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
      { deployed: { ...deployed, localPorts: new Set() }, run, since, scripts: [] },
      log,
    );
    expect(quieted).toEqual({ foreignDeploy: false, stillWorking: null });
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
      { deployed, run: 'another', since, scripts: [] },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: false, stillWorking: null });
    expect(await sleepers(ground)).toEqual([]);
  });

  test('is left alone when only the port fits: the session is older than the migration', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { deployed, backend } = await outlivedMigrator(ground);
    const quieted = await quietMigrator(
      ground.database,
      {
        deployed: { ...deployed, errorCode: 'P1002' },
        run: 'another',
        since: await clockOf(ground),
        scripts: [],
      },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: true, stillWorking: null });
    expect(await sleepers(ground)).toEqual([backend]);
    await cluster.psql('postgres', `SELECT pg_terminate_backend(${backend})`);
  });

  test('is left alone when it cannot be proved to be ours', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const { backend, since } = await outlivedMigrator(ground);
    const { log, lines } = recordingLog();
    const quieted = await quietMigrator(
      ground.database,
      { deployed: nothing, run: 'another', since, scripts: [] },
      log,
    );
    expect(quieted).toEqual({ foreignDeploy: true, stillWorking: null });
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
      { deployed: { ...nothing, errorCode: 'P1002' }, run, since, scripts: [] },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: true, stillWorking: null });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect((await other.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
  });

  test('is waited for when it only stood behind ours and gives up in a moment', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    const other = await somebodyElse(ground);
    const since = await clockOf(ground);
    const quieting = quietMigrator(
      ground.database,
      { deployed: nothing, run, since, scripts: [] },
      recordingLog().log,
    );
    // Longer than a session of our own is given.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await other.end();
    expect(await quieting).toEqual({ foreignDeploy: false, stillWorking: null });
  });

  test('is no matter when nobody holds the lock', async () => {
    await using ground = await createGround(cluster, { migrations: slow });
    expect(
      await quietMigrator(
        ground.database,
        { deployed: nothing, run, since, scripts: [] },
        recordingLog().log,
      ),
    ).toEqual({ foreignDeploy: false, stillWorking: null });
  });
});

describe("a session of ours without Prisma's lock, as of a project that switches it off", () => {
  const blocked = 'ALTER TABLE "things" ADD COLUMN "late" INTEGER;';

  /** A statement that waits behind somebody's open transaction, from a session as `options` has it; its client is gone. */
  async function orphan(ground: Ground, options: ClientConfig, statement = blocked): Promise<Client> {
    const client = new Client({ connectionString: ground.url, ...options });
    client.on('error', () => {});
    await client.connect();
    client.query(statement).catch(() => {});
    await expect
      .poll(() =>
        cluster.psql(
          'postgres',
          `SELECT count(*) FROM pg_stat_activity WHERE datname = '${ground.name}' AND wait_event_type = 'Lock'`,
        ),
      )
      .toBe('1');
    return client;
  }

  async function blockedGround(): Promise<Ground & { readonly blocker: Client; readonly since: string }> {
    const ground = await createGround(cluster, { migrations: { '1_late': blocked } });
    await cluster.psql(ground.name, 'CREATE TABLE things (id int); GRANT ALL ON things TO PUBLIC');
    await cluster.psql(ground.name, `ALTER TABLE things OWNER TO "${ground.database.address.user}"`);
    const blocker = new Client({ connectionString: ground.url, application_name: 'erp' });
    await blocker.connect();
    await blocker.query('BEGIN; SELECT * FROM things');
    return Object.assign(ground, { blocker, since: await clockOf(ground) });
  }

  /** Ends the application's transaction; what still waited behind it would commit now. */
  async function columnsAfter({ blocker, name }: Ground & { readonly blocker: Client }): Promise<string> {
    await blocker.query('COMMIT');
    await blocker.end();
    return await cluster.psql(
      name,
      `SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 'things'::regclass AND attnum > 0`,
    );
  }

  test('is ended by its name, over a socket, before anybody else goes on, and never commits', async () => {
    await using ground = await blockedGround();
    await using _ = await closing(
      await orphan(ground, {
        application_name: 'safe-migrate migrate r1',
        host: cluster.info.socketDirectory,
      }),
    );
    const quieted = await quietMigrator(
      ground.database,
      { deployed: nothing, run, since: ground.since, scripts: [blocked] },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: false, stillWorking: null });
    expect(await columnsAfter(ground)).toBe('id');
  });

  test('is told when it runs a statement of ours and nothing shows that it is ours', async () => {
    await using ground = await blockedGround();
    await using orphaned = await closing(await orphan(ground, { application_name: 'pooler' }));
    const quieted = await quietMigrator(
      ground.database,
      { deployed: nothing, run, since: ground.since, scripts: [`SELECT 1;\n${blocked}\n`] },
      recordingLog().log,
    );
    expect(quieted.stillWorking).toMatch(
      /^session \d+ of recovery_owner_.* runs a statement of the migration/,
    );
    expect(orphaned).toBeDefined();
    // It lives: nobody ends what is not shown to be ours.
    expect(await columnsAfter(ground)).toBe('id late');
  });

  test('is no matter when it is the application at its own work, however young', async () => {
    await using ground = await blockedGround();
    await using _ = await closing(await orphan(ground, { application_name: 'erp' }, 'TRUNCATE things'));
    const quieted = await quietMigrator(
      ground.database,
      { deployed: nothing, run, since: ground.since, scripts: [blocked] },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: false, stillWorking: null });
    await columnsAfter(ground);
  });

  test('has its prepared transaction rolled back: nobody can commit it later', async () => {
    await using ground = await blockedGround();
    const gid = `late of ${ground.name}`;
    const script = `BEGIN; INSERT INTO things VALUES (1); PREPARE TRANSACTION '${gid}';`;
    await using foreign = await closing(new Client({ connectionString: ground.url }));
    await foreign.connect();
    await foreign.query(script);
    await foreign.query(`BEGIN; INSERT INTO things VALUES (2); PREPARE TRANSACTION 'not of ${ground.name}'`);
    const quieted = await quietMigrator(
      ground.database,
      { deployed: nothing, run, since: ground.since, scripts: [script] },
      recordingLog().log,
    );
    expect(quieted).toEqual({ foreignDeploy: false, stillWorking: null });
    const left = `SELECT gid FROM pg_prepared_xacts WHERE database = '${ground.name}'`;
    expect(await cluster.psql(ground.name, left)).toBe(`not of ${ground.name}`);
    await cluster.psql(ground.name, `ROLLBACK PREPARED 'not of ${ground.name}'`);
    await columnsAfter(ground);
  });
});

async function closing(client: Client): Promise<Client & AsyncDisposable> {
  client.on('error', () => {});
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) });
}
