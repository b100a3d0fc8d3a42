import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TargetSession } from '../../../src/database/postgres/session/target-session.ts';
import { watchPrismaLock } from '../../../src/database/postgres/work/lock-watch.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { serverOf } from './proving.ts';

const take = 'SELECT pg_backend_pid() FROM pg_advisory_lock(72707369);';
const giveBack = 'SELECT FROM pg_advisory_unlock(72707369);';

async function watched(settings: (role: string) => string = () => '') {
  const cluster = await sharedPostgres();
  const owned = await cluster.createOwnedDatabase('watched');
  await cluster.psql('postgres', settings(owned.user));
  const server = await serverOf(owned.url);
  const inTarget = new TargetSession(server);
  return {
    /** What a migrator does, in a session of its own; resolves to its backend's process id. */
    migrator: async (sql: string, as: { user?: string; password?: string } = owned) =>
      Number((await cluster.psql(owned.database, sql, as)).split('\n')[0]),
    watch: (gateMs?: number) => watchPrismaLock(server, owned.database, (work) => inTarget.use(work), gateMs),
    setting: (name: string) =>
      inTarget.use((session) =>
        session.query(`SELECT current_setting('${name}') AS "value"`, z.object({ value: z.string() })),
      ),
    isFree: () => isFree(cluster, owned.database),
    interrupt: () => inTarget.interrupt(),
    async [Symbol.asyncDispose]() {
      await inTarget.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function isFree(cluster: PostgresCluster, database: string): Promise<boolean> {
  const holders = `SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND objid = 72707369 AND datname = '${database}'`;
  return (await cluster.psql('postgres', holders)) === '0';
}

describe('who takes Prisma’s lock', () => {
  it('is seen however short it is held: it has to wait until it was', async () => {
    for (let round = 0; round < 5; round += 1) {
      await using target = await watched();
      const watch = await target.watch();
      expect(await target.isFree()).toBe(false);
      const pid = await target.migrator(take + giveBack);
      const { holders, problem } = await watch.stop();
      expect({ pids: holders.map((holder) => holder.pid), problem }).toEqual({ pids: [pid], problem: null });
      expect(await target.isFree()).toBe(true);
    }
  });

  it('is seen when it is the second and comes while the first one works', async () => {
    await using target = await watched();
    const watch = await target.watch();
    const first = target.migrator(`${take} SELECT pg_sleep(1); ${giveBack}`);
    await sleep(300);
    const second = target.migrator(`${take} SELECT pg_sleep(0.5); ${giveBack}`);
    const pids = [await first, await second];
    expect((await watch.stop()).holders.map((holder) => holder.pid)).toEqual(pids);
  });

  it('is not kept waiting where its role gives up on waiting', async () => {
    await using target = await watched((role) => `ALTER ROLE "${role}" SET lock_timeout = '5s';`);
    const watch = await target.watch();
    expect(await target.isFree()).toBe(true);
    const pid = await target.migrator(`${take} SELECT pg_sleep(1); ${giveBack}`);
    expect((await watch.stop()).holders.map((holder) => holder.pid)).toEqual([pid]);
  });

  it('had it before the watch began, and is seen without being waited for', async () => {
    await using target = await watched();
    const earlier = target.migrator(`${take} SELECT pg_sleep(2); ${giveBack}`);
    await expect.poll(target.isFree).toBe(false);
    const watch = await target.watch();
    const pid = await earlier;
    expect((await watch.stop()).holders.map((holder) => holder.pid)).toEqual([pid]);
  });

  it('is nobody, when nobody came; then the lock is free again', async () => {
    await using target = await watched();
    const watch = await target.watch();
    await sleep(200);
    expect(await watch.stop()).toEqual({ holders: [], problem: null });
    expect(await target.isFree()).toBe(true);
  });

  it('need not wait for long where nobody looks any more: the gate opens by itself, and by the server where the machine froze', async () => {
    await using target = await watched();
    const watch = await target.watch(300);
    expect(await target.setting('idle_session_timeout')).toEqual([{ value: '1min' }]);
    await expect.poll(target.isFree).toBe(true);
    expect(await target.setting('idle_session_timeout')).toEqual([{ value: '0' }]);
    const pid = await target.migrator(`${take} SELECT pg_sleep(0.5); ${giveBack}`);
    expect(await watch.stop()).toMatchObject({ holders: [{ pid }], problem: null });
  });

  it('gets it at once when the session that kept it was lost', async () => {
    await using target = await watched();
    const watch = await target.watch();
    target.interrupt();
    await expect.poll(target.isFree).toBe(true);
    const pid = await target.migrator(`${take} SELECT pg_sleep(0.5); ${giveBack}`);
    expect(await watch.stop()).toMatchObject({ holders: [{ pid }], problem: null });
  });
});
