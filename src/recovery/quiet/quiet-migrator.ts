import { setTimeout as sleep } from 'node:timers/promises';
import type { LockHolder, TargetPort, WorkPort } from '../../database/database.ts';
import { migratorApplicationName } from '../../prisma/application-name.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { endOwnSessions } from './end-own-sessions.ts';
import type { OwnWork, Quiet } from './own-work.ts';
import { rollBackPreparedWork } from './prepared-work.ts';

const pollMs = 200;
/** A backend whose client is gone may just be about to end. */
const ownGraceMs = 2_000;
/** Another deploy that waited behind ours finds the failed migration and gives up in a moment. */
const foreignGraceMs = 15_000;

/**
 * Makes sure that nothing of *our* migrator still works in the target: its processes are gone, but the backend of a
 * killed one goes on with its statement and commits (FACTS: measured), whether or not it holds Prisma's lock, which a project
 * can switch off. So every session of this run is ended and seen to be over, and what it has prepared is rolled back. A
 * lock holder that cannot be proved to be ours is left alone and reported.
 */
export async function quietMigrator(
  database: TargetPort & WorkPort,
  own: OwnWork,
  log: PhaseLog,
): Promise<Quiet> {
  const { deployed } = own;
  const working = await endOwnSessions(database, (session) => isOurs(session, own, database), own, log);
  const prepared = working === null ? await rollBackPreparedWork(database, own, log) : null;
  return { foreignDeploy: await isForeignDeploy(database, deployed, log), stillWorking: working ?? prepared };
}

/** Whether a session is certainly one of this run's migrator. */
export function isOurs(
  session: LockHolder,
  { deployed, run, since }: Pick<OwnWork, 'deployed' | 'run' | 'since'>,
  { address }: Pick<TargetPort, 'address'>,
): boolean {
  return (
    session.applicationName === migratorApplicationName(run) ||
    // Another machine may use the same port, but hardly for a session of our role that is as young as ours.
    (session.clientPort !== null &&
      deployed.localPorts.has(session.clientPort) &&
      session.user === address.user &&
      session.backendStart >= since)
  );
}

/** Of ours nothing is left by now, so whoever holds the lock is somebody else. */
async function isForeignDeploy(
  database: WorkPort,
  deployed: OwnWork['deployed'],
  log: PhaseLog,
): Promise<boolean> {
  const holder = await waitUntilFree(database, ownGraceMs);
  // P1002: our migrator never had the lock and did nothing; whoever had it may be done by now.
  if (holder === null) return deployed.errorCode === 'P1002';
  log.detail(`session ${holder.pid} of ${holder.user} holds Prisma's lock; it is not ours and is left alone`);
  // Then there is nothing of ours to wait for.
  if (deployed.errorCode === 'P1002') return true;
  return (await waitUntilFree(database, foreignGraceMs)) !== null;
}

async function waitUntilFree(database: WorkPort, timeoutMs: number): Promise<LockHolder | null> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const holder = await database.prismaLockHolder();
    if (holder === null || Date.now() >= deadline) return holder;
    await sleep(pollMs);
  }
}
