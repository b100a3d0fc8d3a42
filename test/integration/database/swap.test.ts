import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SwapPlan } from '../../../src/database/database.ts';
import { parseCopyMark } from '../../../src/database/postgres/copy/copy-mark.ts';
import { copyName } from '../../../src/database/postgres/copy/copy-name.ts';
import { openJournal } from '../../../src/database/postgres/lock/journal-comment.ts';
import { type HeldLock, takeLock } from '../../../src/database/postgres/lock/lock.ts';
import type { PostgresServer, SqlSession } from '../../../src/database/postgres/server/server.ts';
import { swap } from '../../../src/database/postgres/swap/swap.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, recordingLog, serverOf, takeBackup } from './proving.ts';
import { startWriters, type WriterTally } from './reconnecting-writers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const holder = { run: 'r1', description: 'test', startedAt: '2026-11-22T14:25:00.000Z' };

interface Ground extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly database: string;
  readonly user: string;
  readonly url: string;
  readonly plan: SwapPlan;
  readonly lock: HeldLock;
  readonly renamer: SqlSession;
}

/** A target with a proved fallback beside it and a migration that went wrong after that; the lock is held. */
async function ground(): Promise<Ground> {
  const { database, user, url } = await cluster.createOwnedDatabase('swap');
  await cluster.psql(
    database,
    `CREATE TABLE events (id bigserial PRIMARY KEY, writer int);
     CREATE TABLE facts (id int PRIMARY KEY, fact text);
     INSERT INTO facts SELECT g, 'before' FROM generate_series(1, 1000) g;`,
    { user },
  );
  await cluster.psql(
    database,
    `COMMENT ON DATABASE "${database}" IS 'the shop''s own'; ALTER DATABASE "${database}" SET work_mem = '7MB';
     ALTER DATABASE "${database}" CONNECTION LIMIT 90; REVOKE CONNECT ON DATABASE "${database}" FROM PUBLIC`,
    { user },
  );
  const server = await serverOf(url);
  await using backup = await takeBackup(server);
  const fallback = await prove(server, backup);
  const targetOid = await oidOf(database);
  await cluster.psql(database, `UPDATE facts SET fact = 'after'; ALTER TABLE facts ADD COLUMN half text`, {
    user,
  });
  const lock = await takeLock(server, holder);
  await lock.releaseTarget();
  if (lock.coordination === null) throw new Error('no coordination database');
  return {
    server,
    database,
    user,
    url,
    lock,
    renamer: lock.coordination,
    plan: {
      targetOid,
      fallback,
      failedName: copyName(database, 'failed', 'r1'),
      properties: backup.properties,
      run: 'r1',
      journal: {
        version: 1,
        run: 'r1',
        command: 'migrate',
        phase: 'swapped',
        targetOid,
        comment: backup.properties.comment,
        backupId: 'backup_1',
        dump: null,
        fallback: { name: fallback.name, oid: fallback.oid, schemaDigest: fallback.fingerprint.schemaDigest },
        historySchema: 'public',
        migrations: [],
        baseline: null,
        afterMigrateOwed: false,
        because: null,
      },
    },
    [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
  };
}

describe('a swap', () => {
  test('puts the fallback in the place of the target, with its properties, and keeps the failed database closed', async () => {
    await using place = await ground();
    const { server, renamer, plan, database, user } = place;
    const outcome = await swap(server, renamer, plan, recordingLog().log);
    expect(await oidOf(database)).toBe(plan.fallback.oid);
    expect(await oidOf(plan.failedName)).toBe(plan.targetOid);
    expect(await oidOf(plan.fallback.name)).toBe(0);
    expect(outcome.terminatedSessions).toBe(0);
    expect(await cluster.psql(database, 'SELECT DISTINCT fact FROM facts', { user })).toBe('before');

    expect(await property(database, `shobj_description(oid, 'pg_database')`)).toBe("the shop's own");
    expect(parseCopyMark(await property(plan.failedName, `shobj_description(oid, 'pg_database')`))).toEqual({
      kind: 'failed',
      target: database,
      run: 'r1',
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      replacedBy: plan.fallback.oid,
    });
    for (const name of [database, plan.failedName]) {
      expect(await property(name, 'datconnlimit')).toBe('90');
      expect(await property(name, `has_database_privilege('public', oid, 'CONNECT')`)).toBe('f');
      expect(await property(name, '(SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = oid)')).toBe(
        '{work_mem=7MB}',
      );
    }
    expect(await property(database, 'datallowconn')).toBe('t');
    expect(await property(plan.failedName, 'datallowconn')).toBe('f');
    // The journal changed with the names.
    expect(await openJournal(renamer, database)).toMatchObject({ run: 'r1', phase: 'swapped' });

    // Every row that is there now is older, every row that is written from now on is not.
    await cluster.psql(database, `INSERT INTO facts VALUES (2000, 'new')`, { user });
    const younger = `SELECT count(*) FILTER (WHERE xmin::text::bigint > ${outcome.xidAtSwap}),
      count(*) FILTER (WHERE xmin::text::bigint < ${outcome.xidAtSwap}) FROM facts`;
    expect(await cluster.psql(database, younger, { user })).toBe('1|1000');
    expect(await place.lock.reacquireTarget()).toBe(true);
    await place.lock.assertHeld();
  });

  test('under 30 writers that reconnect at once and 10 idle sessions breaks each session once', async () => {
    await using place = await ground();
    const { server, renamer, plan, database, user, url } = place;
    const idle = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const client = new Client({ connectionString: url });
        const state = { client, isBroken: false };
        client.on('error', () => {
          state.isBroken = true;
        });
        await client.connect();
        return state;
      }),
    );
    let tookMs = 0;
    let swappedAt = 0;
    const writers = await startWriters(url, 30, {
      perSecond: 50,
      insert: 'INSERT INTO events (writer) VALUES (1) RETURNING id',
    });
    const { tallies } = writers;
    {
      await using _ = writers;
      await sleep(500);
      const started = performance.now();
      const outcome = await swap(server, renamer, plan, recordingLog().log);
      swappedAt = performance.now();
      tookMs = swappedAt - started;
      // Somebody may be in the middle of reconnecting after a query of its own.
      expect(outcome.terminatedSessions).toBeGreaterThanOrEqual(30);
      expect(outcome.terminatedSessions).toBeLessThanOrEqual(40);
      const deadline = Date.now() + 30_000;
      const isBack = ({ written }: WriterTally) => written.some(({ at }) => at > swappedAt);
      while (Date.now() < deadline && !tallies.every(isBack)) await sleep(50);
    }
    for (const tally of tallies) {
      expect(tally.brokenAt).toHaveLength(1);
      // "It seems to have just been dropped or renamed": for who was waiting at the door, once.
      expect(tally.refused.length).toBeLessThanOrEqual(1);
      for (const code of tally.refused) expect(code).toBe('3D000');
      expect(tally.written.some(({ at }) => at > swappedAt)).toBe(true);
    }
    expect(idle.every(({ isBroken }) => isBroken)).toBe(true);
    // One attempt was enough.
    expect(tookMs).toBeLessThan(5000);
    // Nobody's acknowledged row is lost: it is in the one database or in the other.
    await cluster.psql('postgres', `ALTER DATABASE "${plan.failedName}" ALLOW_CONNECTIONS true`, {
      user: user,
    });
    const kept = Number(await cluster.psql(plan.failedName, 'SELECT count(*) FROM events', { user }));
    const newer = Number(await cluster.psql(database, 'SELECT count(*) FROM events', { user }));
    const acknowledged = tallies.reduce((sum, tally) => sum + tally.written.length, 0);
    // A session can be ended after its commit and before its answer.
    expect(kept + newer).toBeGreaterThanOrEqual(acknowledged);
    expect(kept + newer).toBeLessThanOrEqual(acknowledged + 30);
  });
});

describe('a swap that cannot be', () => {
  async function expectUntouched({ plan, database, user }: Ground): Promise<void> {
    expect(await oidOf(database)).toBe(plan.targetOid);
    expect(await oidOf(plan.fallback.name)).toBe(plan.fallback.oid);
    expect(await property(database, 'datallowconn')).toBe('t');
    expect(await cluster.psql(database, 'SELECT DISTINCT fact FROM facts', { user })).toBe('after');
  }

  test('because a superuser is connected names that session and leaves both databases as they were', async () => {
    await using place = await ground();
    const client = new Client({
      connectionString: cluster.url({ database: place.database }),
      application_name: 'dba at work',
    });
    await client.connect();
    const log = recordingLog();
    await expect(swap(place.server, place.renamer, place.plan, log.log)).rejects.toMatchObject({
      code: 'SM_SWAP_FAILED',
      message: expect.stringMatching(
        /still in use by .*\b\d+ of superuser postgres using dba at work.*as before/,
      ),
      // Autovacuum may change the database's row in the moment of the last attempt.
      cause: expect.objectContaining({ sqlState: expect.stringMatching(/^(55006|XX000)$/) }),
    });
    await expectUntouched(place);
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await client.end();
    // And goes well once that one has left.
    await swap(place.server, place.renamer, place.plan, log.log);
    expect(await oidOf(place.database)).toBe(place.plan.fallback.oid);
  });

  test('because of a prepared transaction names it and ends nobody', async () => {
    await using place = await ground();
    const client = new Client({ connectionString: place.url });
    await client.connect();
    await client.query(`BEGIN; INSERT INTO facts VALUES (3000, 'x'); PREPARE TRANSACTION 'left over'`);
    await expect(swap(place.server, place.renamer, place.plan, recordingLog().log)).rejects.toMatchObject({
      code: 'SM_SWAP_FAILED',
      message: expect.stringContaining("'left over'"),
    });
    await client.query(`ROLLBACK PREPARED 'left over'`);
    await client.end();
    await expectUntouched(place);
  });

  test('because the fallback was opened, replaced or renamed meanwhile', async () => {
    await using place = await ground();
    const { plan, server, renamer } = place;
    await cluster.psql('postgres', `ALTER DATABASE "${plan.fallback.name}" ALLOW_CONNECTIONS true`);
    await expect(swap(server, renamer, plan, recordingLog().log)).rejects.toMatchObject({
      code: 'SM_SWAP_FAILED',
    });
    await cluster.psql('postgres', `ALTER DATABASE "${plan.fallback.name}" ALLOW_CONNECTIONS false`);
    const wrongFallback = { ...plan, fallback: { ...plan.fallback, oid: plan.fallback.oid + 1 } };
    await expect(swap(server, renamer, wrongFallback, recordingLog().log)).rejects.toMatchObject({
      code: 'SM_SWAP_FAILED',
    });
    const wrongTarget = { ...plan, targetOid: plan.targetOid + 1 };
    await expect(swap(server, renamer, wrongTarget, recordingLog().log)).rejects.toMatchObject({
      code: 'SM_SWAP_FAILED',
    });
    await expectUntouched(place);
  });

  test('because it has been done already says so', async () => {
    await using place = await ground();
    await swap(place.server, place.renamer, place.plan, recordingLog().log);
    await expect(swap(place.server, place.renamer, place.plan, recordingLog().log)).rejects.toMatchObject({
      code: 'SM_ALREADY_SWAPPED',
    });
  });

  test('because the session that holds the lock is ended in the middle of it', async () => {
    await using place = await ground();
    // Keeps the rename waiting.
    const client = new Client({ connectionString: cluster.url({ database: place.database }) });
    await client.connect();
    const swapping = expect(
      swap(place.server, place.renamer, place.plan, recordingLog().log),
    ).rejects.toMatchObject({
      code: 'SM_CONNECTION_LOST',
    });
    await sleep(500);
    await cluster.psql('postgres', `SELECT pg_terminate_backend(${place.renamer.backendPid})`);
    await swapping;
    await client.end();
    await expectUntouched(place);
  });
});

test('a swap whose helping session is ended takes another one and goes on', async () => {
  await using place = await ground();
  // Keeps the rename waiting.
  const client = new Client({ connectionString: cluster.url({ database: place.database }) });
  await client.connect();
  const log = recordingLog();
  const swapping = swap(place.server, place.renamer, place.plan, log.log);
  await sleep(500);
  const endIt = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'safe-migrate swap' AND usename = '${place.user}'`;
  expect(await cluster.psql('postgres', endIt)).toBe('1');
  // Until it is asked again to end the sessions that are in the way, nobody knows that it is gone.
  await sleep(500);
  await client.end();
  await swapping;
  expect(log.lines.join('\n')).toContain('again, with another session beside');
  expect(await oidOf(place.database)).toBe(place.plan.fallback.oid);
});

test('what a run keeps when the swap ends in the middle is decided by the commit alone', async () => {
  await using place = await ground();
  const { plan, server, database } = place;
  // The same transaction, by hand, up to its last statement.
  await using session = await server.connect(place.renamer.database);
  await session.execute(`BEGIN; ALTER DATABASE "${database}" RENAME TO "${plan.failedName}"`);
  await session.execute(`ALTER DATABASE "${plan.fallback.name}" RENAME TO "${database}"`);
  session.kill();
  await expect.poll(() => oidOf(database)).toBe(plan.targetOid);
  expect(await oidOf(plan.fallback.name)).toBe(plan.fallback.oid);
});

async function oidOf(name: string): Promise<number> {
  return Number(await cluster.psql('postgres', `SELECT oid FROM pg_database WHERE datname = '${name}'`));
}

function property(name: string, expression: string): Promise<string> {
  return cluster.psql('postgres', `SELECT ${expression} FROM pg_database WHERE datname = '${name}'`);
}
