import type { LockHolder, LockWatch, PreparedWork, WorkSession } from './work-session.ts';

/** What a migrator is doing in the target. */
export interface WorkPort {
  /**
   * Who holds Prisma's advisory lock (72707369) in the target now. Somebody who cannot be migrating (he may not even write
   * the history) counts only when `anybody` is asked for.
   */
  prismaLockHolder(whom?: 'anybody'): Promise<LockHolder | null>;
  /** The same while Prisma runs, several times a second, from a session of its own that nothing waits for. */
  watchPrismaLock(): Promise<LockWatch>;
  /** Sessions in the target that began at `since` (ISO 8601) or later, or bear `applicationName`; ours are not among them. */
  workSessions(by: {
    readonly since: string;
    readonly applicationName: string;
  }): Promise<readonly WorkSession[]>;
  /** Which of these processes are still there or still hold a lock. */
  stillThere(pids: readonly number[]): Promise<readonly number[]>;
  terminate(pid: number): Promise<boolean>;
  /** Transactions that were prepared in the target at `since` or later. */
  preparedWork(since: string): Promise<readonly PreparedWork[]>;
  /** False when it is gone, or this role may not. */
  rollbackPrepared(gid: string): Promise<boolean>;
}
