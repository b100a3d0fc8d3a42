import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../system/errors.ts';
import type { LockHolder, LockWatch } from '../../database.ts';
import type { PostgresServer } from '../server/server.ts';
import { prismaLockHolders } from './prisma-lock.ts';

/** Prisma holds it for as long as it works, some tens of milliseconds at least. */
const lookIntervalMs = 10;
/** Once somebody was seen: only who else may come. */
const laterIntervalMs = 50;

/**
 * Looks who holds Prisma's lock in the target until it is stopped, from a session in `place`: short statements of their own
 * transactions, so that nothing waits for them (CREATE INDEX CONCURRENTLY waits for snapshots of its own database only).
 */
export async function watchPrismaLock(server: PostgresServer, place: string): Promise<LockWatch> {
  const target = server.address.database;
  const session = await server.connect(place, { applicationName: 'safe-migrate watch' });
  // It asks all the time. That of a machine that froze must not keep the next run from clearing up.
  if (server.version.major >= 14) await session.execute(`SET idle_session_timeout = '30s'`);
  const seen = new Map<string, LockHolder>();
  const stopping = new AbortController();
  let problem: string | null = null;
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      for (const holder of await prismaLockHolders(session, target)) {
        // Gone between the look at the locks and that at the sessions: it was seen before, or is not to be told from anybody.
        if (holder.user === '') continue;
        seen.set(`${holder.pid} ${holder.backendStart}`, holder);
      }
      const pause = seen.size === 0 ? lookIntervalMs : laterIntervalMs;
      // Rejects when it is stopped, which is what is waited for.
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })().catch((error: unknown) => {
    problem = messageOf(error);
  });
  return {
    async stop() {
      stopping.abort();
      await watching;
      await session[Symbol.asyncDispose]();
      return { holders: [...seen.values()], problem };
    },
  };
}
