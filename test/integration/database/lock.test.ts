import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { coordinationName } from '../../../src/database/postgres/copy/copy-name.ts';
import { coordinationMark } from '../../../src/database/postgres/lock/coordination-mark.ts';
import { takeLock } from '../../../src/database/postgres/lock/lock.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { cases } from '../../support/cases.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { serverOf } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

interface Place {
  readonly server: PostgresServer;
  readonly database: string;
  readonly user: string;
  readonly coordination: string;
}

async function newTarget(attributes = 'CREATEDB'): Promise<Place> {
  const { database, user, url } = await cluster.createOwnedDatabase('lock');
  if (attributes !== 'CREATEDB') await cluster.psql('postgres', `ALTER ROLE "${user}" ${attributes}`);
  return { server: await serverOf(url), database, user, coordination: coordinationName(database) };
}

const first = { run: 'run1', description: 'owner/repo run 7', startedAt: '2026-11-22T14:25:00.123Z' };
const second = { run: 'run2', description: 'owner/repo run 8', startedAt: '2026-11-22T14:26:00.456Z' };

async function errorOf(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error) || !('code' in error))
    throw new Error('it did not fail as expected', { cause: error });
  return { code: String(error.code), message: error.message };
}

describe('one run at a time', () => {
  test('the second run is refused at once and told who holds the lock since when', async () => {
    const { server, database } = await newTarget();
    await using _lock = await takeLock(server, first);
    const started = performance.now();
    const { code, message } = await errorOf(takeLock(server, second));
    expect(performance.now() - started).toBeLessThan(3000);
    expect(code).toBe('SM_LOCKED');
    expect(message).toContain(database);
    expect(message).toMatch(/owner\/repo run 7?, run run1, started 2026-11-22T14:25:00Z/);
  });

  test('another role that may work on the target is refused, too, with the same words', async () => {
    const { server, database, user } = await newTarget();
    const colleague = `${user}_2`;
    await cluster.createRole(colleague);
    const other = await serverOf(cluster.url({ database, user: colleague }));
    await using _lock = await takeLock(server, first);
    const { code, message } = await errorOf(takeLock(other, second));
    expect(code).toBe('SM_LOCKED');
    expect(message).toMatch(/run run1, started 2026-11-22T14:25:00Z/);
  });

  test('a role without CREATEDB takes the lock of the target alone, against everybody', async () => {
    const { server, coordination, database, user } = await newTarget('NOCREATEDB');
    const mighty = `${user}_mighty`;
    await cluster.createRole(mighty);
    {
      await using lock = await takeLock(server, first);
      expect(lock.coordinationDatabase).toBeNull();
      await lock.assertHeld();
      expect((await errorOf(takeLock(server, second))).message).toContain('run run1');
      const other = await serverOf(cluster.url({ database, user: mighty }));
      expect((await errorOf(takeLock(other, second))).code).toBe('SM_LOCKED');
    }
    expect(await cluster.databases()).not.toContain(coordination);
    await using again = await takeLock(server, second);
    await again.assertHeld();
  });

  test('of many that start in pairs never both hold it, and one of them always does', async () => {
    const pairs = cases(25);
    const { server, coordination } = await newTarget();
    const tally = { one: 0, both: 0, none: 0 };
    for (let pair = 0; pair < pairs; pair += 1) {
      const attempts = await Promise.allSettled([
        takeLock(server, first),
        sleep(Math.random() * 40).then(() => takeLock(server, second)),
      ]);
      const held = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      for (const attempt of attempts) {
        if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'SM_LOCKED' });
      }
      for (const lock of held) await lock.assertHeld();
      tally[held.length === 0 ? 'none' : held.length === 1 ? 'one' : 'both'] += 1;
      await Promise.all(held.map((lock) => lock[Symbol.asyncDispose]()));
    }
    expect(tally).toEqual({ one: pairs, both: 0, none: 0 });
    expect(await cluster.databases()).not.toContain(coordination);
  });

  test('runs that come and go all the time share and drop the coordination database without an accident', async () => {
    const { server, coordination } = await newTarget();
    let holders = 0;
    let most = 0;
    let taken = 0;
    const comeAndGo = async (): Promise<void> => {
      for (let round = 0; round < 8; round += 1) {
        try {
          await using _lock = await takeLock(server, first);
          holders += 1;
          most = Math.max(most, holders);
          taken += 1;
          await sleep(Math.random() * 30);
          holders -= 1;
        } catch (error) {
          expect(error).toMatchObject({ code: 'SM_LOCKED' });
        }
      }
    };
    await Promise.all([comeAndGo(), comeAndGo(), comeAndGo()]);
    expect(most).toBe(1);
    expect(taken).toBeGreaterThan(3);
    await using _last = await takeLock(server, second);
    expect(await cluster.databases()).toContain(coordination);
  });
});

describe('the coordination database', () => {
  test('is there while the lock is held, is marked as ours, and goes with it', async () => {
    const { server, database, coordination } = await newTarget();
    {
      await using lock = await takeLock(server, first);
      expect(lock.coordinationDatabase).toBe(coordination);
      expect(await commentOn(coordination)).toBe(coordinationMark(database));
    }
    expect(await cluster.databases()).not.toContain(coordination);
  });

  test('is used again when a run died over it, even before it was marked', async () => {
    const { server, user, coordination } = await newTarget();
    await cluster.createDatabase(coordination, user);
    {
      await using lock = await takeLock(server, first);
      await lock.assertHeld();
    }
    expect(await cluster.databases()).not.toContain(coordination);
  });

  test('stays when somebody else is connected, or when its comment says that something is open', async () => {
    const { server, database, coordination } = await newTarget();
    const lock = await takeLock(server, first);
    const visitor = await server.connect(coordination);
    await lock[Symbol.asyncDispose]();
    expect(await cluster.databases()).toContain(coordination);
    await visitor[Symbol.asyncDispose]();

    const journal = coordinationMark(database).replace('}', ',"phase":"migrate"}');
    await cluster.psql('postgres', `COMMENT ON DATABASE "${coordination}" IS '${journal}'`);
    {
      await using again = await takeLock(server, second);
      await again.assertHeld();
    }
    expect(await commentOn(coordination)).toBe(journal);
  });

  test('is refused when somebody else has made a database of that name', async () => {
    const { server, user, coordination } = await newTarget();
    await cluster.createDatabase(coordination, user);
    await cluster.psql(coordination, 'CREATE TABLE precious (id int)');
    expect(await errorOf(takeLock(server, first))).toMatchObject({ code: 'SM_NAME_TAKEN' });
    expect(await cluster.psql(coordination, 'SELECT count(*) FROM precious')).toBe('0');
    expect(await commentOn(coordination)).toBe('');
  });

  test('works for a name of 63 bytes', async () => {
    const { server: near, user } = await newTarget();
    const long = `${near.address.database}_${'x'.repeat(63)}`.slice(0, 63);
    await cluster.createDatabase(long, user);
    const server = await serverOf(cluster.url({ database: long, user }));
    await using lock = await takeLock(server, first);
    expect(lock.coordinationDatabase).toHaveLength(63);
    expect((await errorOf(takeLock(server, second))).code).toBe('SM_LOCKED');
  });
});

describe('a lock whose session is gone', () => {
  test('is noticed, and another run may begin', async () => {
    const { server, coordination } = await newTarget();
    const lock = await takeLock(server, first);
    await endSessions(coordination);
    expect((await errorOf(lock.assertHeld())).code).toBe('SM_LOCK_LOST');
    await lock[Symbol.asyncDispose]();
    await using _other = await takeLock(server, second);
  });

  test('is taken again in the target when only that session was ended', async () => {
    const { server, database } = await newTarget();
    await using lock = await takeLock(server, first);
    await endSessions(database);
    await lock.assertHeld();
    await lock.assertHeld();
    expect(await holders(database)).toBe('1');
  });

  test('is lost for good without a coordination database', async () => {
    const { server, database } = await newTarget('NOCREATEDB');
    await using lock = await takeLock(server, first);
    await endSessions(database);
    expect((await errorOf(lock.assertHeld())).code).toBe('SM_LOCK_LOST');
  });

  test('ends by itself when its machine is silent: idle sessions are ended after a minute', async () => {
    const { server } = await newTarget();
    await using lock = await takeLock(server, first);
    const rows = await lock.coordination?.query(
      `SELECT current_setting('idle_session_timeout') AS "timeout"`,
      z.object({ timeout: z.string() }),
    );
    expect(rows).toEqual([{ timeout: '1min' }]);
  });
});

test('the target is let go for a rename and taken again, while the lock stays held', async () => {
  const { server, database } = await newTarget();
  await using lock = await takeLock(server, first);
  await lock.releaseTarget();
  expect(
    await cluster.psql('postgres', `SELECT count(*) FROM pg_stat_activity WHERE datname = '${database}'`),
  ).toBe('0');
  await lock.assertHeld();
  expect((await errorOf(takeLock(server, second))).code).toBe('SM_LOCKED');
  expect(await lock.reacquireTarget()).toBe(true);
  expect(await holders(database)).toBe('1');
});

function commentOn(database: string): Promise<string> {
  return cluster.psql(
    'postgres',
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${database}'`,
  );
}

function holders(database: string): Promise<string> {
  return cluster.psql(
    'postgres',
    `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = '${database}' AND locktype = 'advisory'`,
  );
}

async function endSessions(database: string): Promise<void> {
  await cluster.psql(
    'postgres',
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${database}'`,
  );
}

test('the coordination database that cannot be dropped for want of a connection is told', async () => {
  const { server, database, user, coordination } = await newTarget();
  const told: string[] = [];
  const lock = await takeLock(server, first, (line) => told.push(line));
  const client = new pg.Client({ connectionString: cluster.url({ database, user }) });
  await client.connect();
  // What it would be dropped from is gone, and another one cannot be opened.
  await cluster.psql(
    'postgres',
    `ALTER ROLE "${user}" CONNECTION LIMIT 1;
     SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = '${database}' AND application_name LIKE 'safe-migrate%'`,
  );
  await lock[Symbol.asyncDispose]();
  await client.end();
  expect(told).toEqual([
    expect.stringMatching(new RegExp(`^${coordination}, .* could not be dropped: .*too many connections`)),
  ]);
  expect(await cluster.databases()).toContain(coordination);
});
