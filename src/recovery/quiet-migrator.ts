import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, LockHolder } from '../database/database.ts';
import { migratorApplicationName } from '../prisma/application-name.ts';
import type { DeployResult } from '../prisma/migrator.ts';
import type { PhaseLog } from '../report/run-log.ts';

/** By what the sessions of this run's migrator are known. */
export interface OwnWork {
  readonly deployed: DeployResult;
  readonly run: string;
  /** The server's clock before the migrator was started, ISO 8601 with milliseconds. */
  readonly since: string;
}

const pollMs = 200;
/** A backend whose client is gone may just be about to end. */
const ownGraceMs = 2_000;
/** Another deploy that waited behind ours finds the failed migration and gives up in a moment. */
const foreignGraceMs = 15_000;

/**
 * Makes sure that nothing of *our* migrator still works in the target: its processes are gone, but the
 * backend of a killed one goes on with its statement and keeps Prisma's lock (FACTS: measured), so it is
 * ended. A lock holder that cannot be proved to be ours is left alone and reported.
 */
export async function quietMigrator(
  database: Database,
  { deployed, run, since }: OwnWork,
  log: PhaseLog,
): Promise<{ readonly foreignDeploy: boolean }> {
  const isOurs = (holder: LockHolder): boolean =>
    holder.applicationName === migratorApplicationName(run) ||
    // Another machine may use the same port, but hardly for a session of our role that is as young as ours.
    (holder.clientPort !== null &&
      deployed.localPorts.has(holder.clientPort) &&
      holder.user === database.address.user &&
      holder.backendStart >= since);

  const holder = await waitUntilFree(database, ownGraceMs);
  // P1002: our migrator never had the lock and did nothing; whoever had it may be done by now.
  if (holder === null) return { foreignDeploy: deployed.errorCode === 'P1002' };
  if (isOurs(holder)) {
    log.detail(`ending our migrator's session ${holder.pid}, which outlived its process`);
    await database.terminate(holder.pid);
    return { foreignDeploy: (await waitUntilFree(database, foreignGraceMs)) !== null };
  }
  log.detail(`session ${holder.pid} of ${holder.user} holds Prisma's lock; it is not ours and is left alone`);
  // Then there is nothing of ours to wait for.
  if (deployed.errorCode === 'P1002') return { foreignDeploy: true };
  return { foreignDeploy: (await waitUntilFree(database, foreignGraceMs)) !== null };
}

async function waitUntilFree(database: Database, timeoutMs: number): Promise<LockHolder | null> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const holder = await database.prismaLockHolder();
    if (holder === null || Date.now() >= deadline) return holder;
    await sleep(pollMs);
  }
}
