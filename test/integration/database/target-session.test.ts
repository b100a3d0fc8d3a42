import { expect, test } from 'vitest';
import { z } from 'zod';
import { TargetSession } from '../../../src/database/postgres/session/target-session.ts';
import { SafeMigrateError } from '../../../src/system/errors.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { serverOf } from './proving.ts';

const pidRow = z.object({ pid: z.number() });

test('closing ends a session that was let go because another one of the same work was lost', async () => {
  const cluster = await sharedPostgres();
  const { url } = await cluster.createOwnedDatabase('target');
  await using server = await serverOf(url);
  const inTarget = new TargetSession(server);
  let first = 0;
  const lost = new SafeMigrateError({ code: 'SM_CONNECTION_LOST', message: 'another one', hint: '' });
  await expect(
    inTarget.use(async (session) => {
      first = session.backendPid;
      throw lost;
    }),
  ).rejects.toBe(lost);
  const [row] = await inTarget.use((session) => session.query('SELECT pg_backend_pid() AS "pid"', pidRow));
  expect(row?.pid).not.toBe(first);
  await inTarget.close();
  const isThere = `SELECT count(*) FROM pg_stat_activity WHERE pid IN (${first}, ${row?.pid})`;
  await expect.poll(() => cluster.psql('postgres', isThere)).toBe('0');
});
