import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { DatabaseProperties } from '../../database.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { isConnectionLost } from '../session/sql-errors.ts';
import { claimCopy } from './claim-copy.ts';
import type { CopyMark } from './copy-mark.ts';
import { copyName } from './copy-name.ts';
import { createCopy } from './create-copy.ts';
import { dropCopy } from './drop-copy.ts';

const pauseMs = 100;
const patienceMs = 30_000;

/**
 * `createCopy`, and nothing is left of it when its session is lost: the server goes on with CREATE DATABASE although nobody is
 * there any more, and a copy that comes to be after everybody has cleared up would stay for ever. Rejects as createCopy does.
 */
export async function createToTheEnd(
  server: PostgresServer,
  admin: SqlSession,
  mark: CopyMark,
  properties: DatabaseProperties,
): Promise<{ readonly name: string; readonly oid: number }> {
  try {
    return await createCopy(admin, server.version, mark, properties);
  } catch (error) {
    if (isConnectionLost(error)) {
      // What cannot be cleared now is for whoever comes next; why the run ends is the other error.
      await clearWhatBecame(server, admin, mark).catch((reason: unknown) => {
        if (!(reason instanceof SafeMigrateError)) throw reason;
      });
    }
    throw error;
  }
}

async function clearWhatBecame(server: PostgresServer, lost: SqlSession, mark: CopyMark): Promise<void> {
  await using session = await server.connect(lost.database, { applicationName: 'safe-migrate prove' });
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const alive = await session.query(
      `SELECT pid AS "pid" FROM pg_catalog.pg_stat_activity WHERE pid = ${lost.backendPid}`,
      z.object({ pid: z.number() }),
    );
    if (alive.length === 0) break;
    await sleep(pauseMs);
  }
  await claimCopy(server, session, mark);
  await dropCopy(session, mark.target, copyName(mark.target, mark.kind, mark.run));
}
