import type { ConnectionRoom } from '../../database/database.ts';
import { countOf } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { Problem } from '../../system/errors.ts';

/**
 * What a run holds at most, beside its `jobs`: in the target while it dumps, the lock, the session for questions, the
 * one that exports the snapshot, and two of pg_dump; the lock in the coordination database comes on top of that.
 */
const heldIn: Readonly<Record<ConnectionRoom['of'], number>> = { database: 5, role: 6, server: 6 };

/**
 * With how many jobs the run can work where connections are limited; less than one job is a reason to refuse, before the
 * lack of a connection shows in the middle of something.
 */
export function lookAtConnections(
  rooms: readonly ConnectionRoom[],
  wanted: number,
  log: Pick<PhaseLog, 'warn'>,
): { readonly jobs: number; readonly problems: readonly Problem[] } {
  const free = rooms.map((room) => ({ room, jobs: room.limit - room.others - heldIn[room.of] }));
  const problems = free
    .filter(({ jobs }) => jobs < 1)
    .map(({ room }): Problem => {
      const left = Math.max(0, room.limit - room.others);
      return {
        code: 'SM_TOO_FEW_CONNECTIONS',
        message: `This run needs ${countOf(heldIn[room.of] + 1, 'connection')} at the least, and ${room.name} has ${left === 0 ? 'none' : left} left of ${room.limit}: others hold ${room.others}.`,
        hint: room.remedy,
        docs: 'postgresql.md',
      };
    });
  const jobs = Math.max(1, Math.min(wanted, ...free.map((each) => each.jobs)));
  if (problems.length === 0 && jobs < wanted) {
    const tight = free.filter((each) => each.jobs === jobs).map(({ room }) => room.name);
    log.warn(
      `works with jobs: ${jobs} instead of ${wanted}, because ${tight.join(' and ')} has no more connections left`,
    );
  }
  return { jobs, problems };
}
