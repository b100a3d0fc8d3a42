import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../../system/errors.ts';
import type { LockHolder, LockWatch } from '../../database.ts';
import type { PostgresServer } from '../server/server.ts';
import { closeGate, type LockGate, type UseTarget } from './lock-gate.ts';
import { atPrismaLock } from './prisma-lock.ts';

/** Whoever comes is kept waiting until he was seen. */
const gateIntervalMs = 25;
/** Prisma comes within seconds, in a container that starts first within half a minute; or the project switches its lock off. */
const longestGateMs = 40_000;
/** Where nothing keeps Prisma waiting: it holds its lock for as long as it works, some tens of milliseconds at least. */
const lookIntervalMs = 10;
/** Once the run's own migrator was seen, which bears its name: only who else may come. */
const laterIntervalMs = 50;

/**
 * Looks who takes Prisma's lock in the target until it is stopped, from a session in `place`: short statements of their own
 * transactions, so that nothing waits for them (CREATE INDEX CONCURRENTLY waits for snapshots of its own database only).
 * The lock itself is held in the target, by `use`, until the first one waits for it, for `gateMs` at most.
 */
export async function watchPrismaLock(
  server: PostgresServer,
  place: string,
  use: UseTarget,
  gateMs = longestGateMs,
): Promise<LockWatch> {
  const target = server.address.database;
  const session = await server.connect(place, { applicationName: 'safe-migrate watch' });
  const closed = async (): Promise<LockGate | null> => {
    // It asks all the time. That of a machine that froze must not keep the next run from clearing up.
    if (server.version.major >= 14) await session.execute(`SET idle_session_timeout = '30s'`);
    return closeGate(use);
  };
  let gate = await closed().catch(async (error: unknown) => {
    await session[Symbol.asyncDispose]();
    throw error;
  });
  const openGate = async (): Promise<void> => {
    const closed = gate;
    gate = null;
    await closed?.open();
  };
  const openAt = Date.now() + gateMs;
  const seen = new Map<string, LockHolder>();
  const stopping = new AbortController();
  let problem: string | null = null;
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      for (const holder of await atPrismaLock(session, target)) {
        if (holder.pid === gate?.pid && holder.isGranted) continue;
        // Gone between the look at the locks and that at the sessions: it was seen before, or is not to be told from anybody.
        if (holder.user === '') continue;
        // Who waits for somebody else may never get it.
        if (holder.isGranted || gate !== null) seen.set(`${holder.pid} ${holder.backendStart}`, holder);
      }
      if (seen.size > 0 || Date.now() >= openAt) await openGate();
      const isOwnSeen = seen
        .values()
        .some(({ applicationName }) => applicationName.startsWith('safe-migrate'));
      const pause = gate !== null ? gateIntervalMs : isOwnSeen ? laterIntervalMs : lookIntervalMs;
      // Rejects when it is stopped, which is what is waited for.
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })()
    .catch((error: unknown) => {
      problem = messageOf(error);
    })
    // Nobody may be kept waiting by a lock that nobody looks at.
    .then(openGate)
    .catch((error: unknown) => {
      problem ??= messageOf(error);
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
