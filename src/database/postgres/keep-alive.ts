import { z } from 'zod';
import type { ServerVersion } from '../database.ts';
import type { SqlSession } from './server.ts';

const pingIntervalMs = 15_000;

/**
 * Makes the server end `session` about a minute after this machine has vanished (frozen, cut off: nothing closes the
 * connection then), and keeps it alive until that with a ping every 15 s. Returns the function that stops the pings.
 * The timer never keeps node running. A ping that finds the session gone is no error here: whoever needs the session
 * next is told.
 */
export async function keepAlive(session: SqlSession, version: ServerVersion): Promise<() => void> {
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
  const timer = setInterval(() => {
    session.execute('SELECT 1').catch(() => {});
  }, pingIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
