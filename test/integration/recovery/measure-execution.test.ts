import { beforeAll, describe, expect, test } from 'vitest';
import type { RunLock } from '../../../src/database/database.ts';
import { measureExecution } from '../../../src/recovery/measure-execution.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { recordingLog } from '../database/proving.ts';
import { createGround, type Ground, run } from './ground.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const migrations = { '1_init': 'CREATE TABLE "customers" ("id" INTEGER);' };
const lockOf = ({ database }: Ground): Promise<RunLock> =>
  database.lock({ run, description: 'test', startedAt: new Date().toISOString() });

describe('how this Prisma sends a script', () => {
  test.each([
    ['whole-script', 'one-query'],
    ['by-statement', 'by-statement'],
  ] as const)(
    'is measured where the engine works %s, and the target does not notice',
    async (engineMode, expected) => {
      await using ground = await createGround(cluster, { migrations, engineMode });
      await using lock = await lockOf(ground);
      const { log } = recordingLog();
      expect(await measureExecution({ ...ground, lock }, log)).toBe(expected);
      const tables = `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`;
      expect(await cluster.psql(ground.name, tables)).toBe('0');
    },
  );

  test('is not known when the probe did not run, because an earlier one lies in its way', async () => {
    await using ground = await createGround(cluster, { migrations });
    await using lock = await lockOf(ground);
    const { log } = recordingLog();
    expect(await measureExecution({ ...ground, lock }, log)).toBe('by-statement');
    expect(await measureExecution({ ...ground, lock }, log)).toBe('not-measurable');
  });

  test('is not known without a coordination database, and nothing is tried', async () => {
    await using ground = await createGround(cluster, { migrations });
    const lock: RunLock = {
      coordinationDatabase: null,
      lost: new AbortController().signal,
      assertHeld: async () => {},
      regain: async () => {},
      writeJournal: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const before = await cluster.databases();
    expect(await measureExecution({ ...ground, lock }, recordingLog().log)).toBe('not-measurable');
    expect((await cluster.databases()).filter((name) => name.startsWith(ground.name))).toEqual(
      before.filter((name) => name.startsWith(ground.name)),
    );
  });

  test('is not known, and the log says why, when the lock is lost: Prisma would create the database anew', async () => {
    await using ground = await createGround(cluster, { migrations });
    const lock = await lockOf(ground);
    await lock[Symbol.asyncDispose]();
    const { log, lines } = recordingLog();
    expect(await measureExecution({ ...ground, lock }, log)).toBe('not-measurable');
    expect(lines.join()).toContain('could not be measured');
    expect(await cluster.databases()).not.toContain(lock.coordinationDatabase);
  });
});
