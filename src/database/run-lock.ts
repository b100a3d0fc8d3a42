import type { JournalChange } from './journal.ts';

/** The run's own lock on the target; one run at a time. */
export interface RunLock extends AsyncDisposable {
  /** Name of the coordination database, `<db>__safe_migrate`; null for a role that may not create one. */
  readonly coordinationDatabase: string | null;
  /** Rejects with SM_LOCK_LOST when the session that holds it is gone. */
  assertHeld(): Promise<void>;
  /**
   * For a recovery after the server ended all sessions (a crash, a restart): takes the lock again if it was lost.
   * Rejects with SM_LOCKED when another run has it by now. Before a migration a lost lock ends the run instead.
   */
  regain(): Promise<void>;
  /**
   * Changes the journal, which only the holder of this lock may do; nothing happens where there is no coordination
   * database. Rejects with SM_LOCK_LOST, SM_JOURNAL (the role may not write it) or SM_JOURNAL_TAKEN (what stands there
   * is not what the writer left: somebody else has finished meanwhile).
   */
  writeJournal(change: JournalChange): Promise<void>;
}

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
