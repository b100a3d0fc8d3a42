/** The session that holds Prisma's advisory lock in the target. */
export interface LockHolder {
  readonly pid: number;
  readonly applicationName: string;
  readonly user: string;
  /** ISO 8601. */
  readonly backendStart: string;
  /** -1 on a socket, null when not visible. */
  readonly clientPort: number | null;
}

/** A session in the target that may be at work for a run. */
export interface WorkSession extends LockHolder {
  /** Runs a statement, or has a transaction open. */
  readonly isAtWork: boolean;
  /** What it runs or has run last, cut to the server's `track_activity_query_size`; empty for other roles' sessions. */
  readonly query: string;
}

/** A transaction that nobody works in any more and anybody may still commit. */
export interface PreparedWork {
  readonly gid: string;
  readonly owner: string;
}

/** Looks who holds Prisma's lock, for as long as it is not stopped. */
export interface LockWatch {
  /** Whoever was seen with it. `problem`: why the watch ended early; null when it looked all the time. Never rejects. */
  stop(): Promise<{ readonly holders: readonly LockHolder[]; readonly problem: string | null }>;
}
