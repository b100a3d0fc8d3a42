import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { identifier, literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { endSessionsIn } from '../session/end-sessions.ts';

const pauseMs = 50;
const patienceMs = 5000;

const countRow = z.object({ sessions: z.number() });

/**
 * Closes a copy of ours to connections and waits until those who were in it have gone: our own sessions' backends
 * outlive their psql by a moment, and a session that stays would block the renames of a swap. Whoever cannot be
 * ended is left there; the swap deals with sessions once more.
 */
export async function closeDatabase(admin: SqlSession, name: string): Promise<void> {
  await admin.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false`);
  await endSessionsIn(admin, name);
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pauseMs) {
    // Sessions of users only: autovacuum's workers have no user, and give way by themselves.
    const [row] = await admin.query(
      `SELECT count(*) AS "sessions" FROM pg_catalog.pg_stat_activity
        WHERE datname = ${literal(name)} AND usesysid IS NOT NULL`,
      countRow,
    );
    if (row?.sessions === 0) return;
    await sleep(pauseMs);
  }
}
