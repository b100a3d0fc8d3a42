import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { endSessionsWhere } from './end-sessions.ts';

/**
 * `application_name` of the sessions that read the target while a run holds its lock. They keep transactions open, and
 * with them locks on what they have read.
 */
export const readingSession = {
  snapshot: 'safe-migrate snapshot',
  fingerprint: 'safe-migrate fingerprint',
  dump: 'safe-migrate dump',
  compare: 'safe-migrate compare',
} as const;

/**
 * Ends what a frozen machine's run still reads in this session's database; for whoever has just taken the lock, when no
 * reader can be a living run's. A migration would otherwise wait for it without end: a process that is only stopped keeps its
 * connection. Those that this role may not end are passed over.
 */
export async function endLeftoverReaders(inTarget: SqlSession): Promise<void> {
  const names = Object.values(readingSession).map(literal).join(', ');
  await endSessionsWhere(
    inTarget,
    `datname = pg_catalog.current_database() AND application_name IN (${names})`,
  );
}
