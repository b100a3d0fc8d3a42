import { setTimeout as sleep } from 'node:timers/promises';
import type { TargetPort, WorkPort, WorkSession } from '../../database/database.ts';
import { migratorApplicationName } from '../../prisma/application-name.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import type { OwnWork } from './own-work.ts';

const pollMs = 200;
/** A backend whose client is gone may just be about to end. */
const graceMs = 2_000;
/** Rolling back what a session has written takes no time in PostgreSQL; being told to may. */
const endingTimeoutMs = 30_000;
/** For one that cannot be told from somebody else's: what is quick has ended by then. */
const suspectGraceMs = 5_000;
/** Shorter texts (`SELECT 1`) say nothing about who sent them. */
const tellingTextLength = 16;

/**
 * Ends every session of this run and waits until each is gone with all its locks, so that nothing of it commits later.
 * Returns why something may still commit (a session that this role may not end, one that runs a statement of the migration and
 * cannot be shown to be ours), or null.
 */
export async function endOwnSessions(
  database: TargetPort & WorkPort,
  isOurs: (session: WorkSession) => boolean,
  own: Pick<OwnWork, 'run' | 'since' | 'scripts'>,
  log: PhaseLog,
): Promise<string | null> {
  const look = () =>
    database.workSessions({ since: own.since, applicationName: migratorApplicationName(own.run) });
  const startedAt = Date.now();
  const asked = new Map<number, WorkSession>();
  for (;;) {
    const sessions = await look();
    const ours = sessions.filter(isOurs);
    const left = await database.stillThere([...asked.keys()]);
    if (ours.length === 0 && left.length === 0) break;
    const waited = Date.now() - startedAt;
    if (waited >= endingTimeoutMs) return `${named(ours[0] ?? asked.get(left[0] ?? 0))} does not end`;
    if (waited >= graceMs) {
      for (const session of ours) {
        if (!asked.has(session.pid))
          log.detail(`ending our migrator's session ${session.pid}, which outlived its process`);
        asked.set(session.pid, session);
        if (!(await mayTerminate(database, session.pid)))
          return `${named(session)} bears this run's name and may not be ended by ${database.address.user}`;
      }
    }
    await sleep(pollMs);
  }
  return await waitForSuspects(own, async () => (await look()).filter((session) => !isOurs(session)));
}

/** Whoever is at work on a text of the scripts: a connection through a pooler or from a container may bear no name of ours. */
async function waitForSuspects(
  { scripts }: Pick<OwnWork, 'scripts'>,
  look: () => Promise<readonly WorkSession[]>,
): Promise<string | null> {
  const deadline = Date.now() + suspectGraceMs;
  for (;;) {
    const suspect = (await look()).find(
      ({ isAtWork, query }) =>
        isAtWork &&
        query.trim().length >= tellingTextLength &&
        scripts.some((script) => script.includes(query.trim())),
    );
    if (suspect === undefined) return null;
    if (Date.now() >= deadline)
      return `${named(suspect)} runs a statement of the migration and cannot be shown to be this run's`;
    await sleep(pollMs);
  }
}

async function mayTerminate(database: WorkPort, pid: number): Promise<boolean> {
  try {
    await database.terminate(pid);
    return true;
  } catch (error) {
    if (error instanceof SafeMigrateError && error.code === 'SM_SQL') return false;
    throw error;
  }
}

function named(session: WorkSession | undefined): string {
  return session === undefined ? 'a session of the migration' : `session ${session.pid} of ${session.user}`;
}
