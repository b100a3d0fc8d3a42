import type { WorkPort } from '../../database/database.ts';
import type { PhaseLog } from '../../report/run-log.ts';

/** Whoever may connect can hold Prisma's lock; a deploy then waits for ten seconds, and fails without saying for whom. */
export async function lookAtDeploys(
  database: Pick<WorkPort, 'prismaLockHolder'>,
  log: Pick<PhaseLog, 'warn'>,
): Promise<void> {
  const holder = await database.prismaLockHolder('anybody');
  if (holder === null) return;
  log.warn(
    `session ${holder.pid} of ${holder.user} holds Prisma's lock in the target: while it does, a deploy fails (P1002). If that is no deploy, end it, as a superuser or as ${holder.user}: SELECT pg_terminate_backend(${holder.pid});`,
  );
}
