import { z } from 'zod';
import type { ServerVersion } from '../../database.ts';
import type { SqlSession } from '../server/server.ts';

const pingIntervalMs = 15_000;
/** The server has ended a session by then whose pings do not arrive. */
const silenceMs = 60_000;

/**
 * Makes the server end `session` about a minute after this machine has vanished (frozen, cut off: nothing closes the
 * connection then), and keeps it alive until that with a ping every 15 s. Returns the function that stops the pings.
 * The timer never keeps node running.
 *
 * When a ping finds the session gone, or is not answered for a minute because the network drops everything (`isSilent`), the
 * session is ended here, too, and `onLost` is called once: nobody would be told otherwise, while a tool waits for its
 * next byte.
 */
export async function keepAlive(
  session: SqlSession,
  version: ServerVersion,
  onLost: (how: { readonly isSilent: boolean }) => void,
): Promise<() => void> {
  const settings = [
    "('tcp_keepalives_idle', '30')",
    "('tcp_keepalives_interval', '10')",
    "('tcp_keepalives_count', '3')",
    // A swap that freezes between its statements must not keep the target's name locked.
    "('idle_in_transaction_session_timeout', '60s')",
  ];
  // Before 14 there are only the keepalives, which see a dead machine but not a frozen one.
  if (version.major >= 14) settings.push("('idle_session_timeout', '60s')");
  await session.query(
    `SELECT pg_catalog.set_config(name, value, false) AS "value" FROM (VALUES ${settings.join(', ')}) AS s(name, value)`,
    z.object({ value: z.string() }),
  );
  let askedAt: number | null = null;
  const timer = setInterval(() => {
    if (askedAt !== null) {
      if (performance.now() - askedAt >= silenceMs) lose(true);
      return;
    }
    // What is being waited for (a lock, a commit) may take its time, and keeps the session alive itself.
    if (session.isBusy) return;
    askedAt = performance.now();
    session.execute('SELECT 1').then(
      () => {
        askedAt = null;
      },
      () => lose(false),
    );
  }, pingIntervalMs);
  timer.unref();
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clearInterval(timer);
  };
  const lose = (isSilent: boolean): void => {
    if (isOver) return;
    stop();
    session.kill();
    onLost({ isSilent });
  };
  return stop;
}
