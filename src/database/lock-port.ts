import type { Journal, JournalChange } from './journal.ts';

/** The run's own lock on the target; one run at a time. */
export interface RunLock extends AsyncDisposable {
  /** Name of the coordination database, `<db>__safe_migrate`; null for a role that may not create one. */
  readonly coordinationDatabase: string | null;
  /**
   * Aborts with SM_LOCK_LOST when the session that holds it is found to be gone, or when the server is silent for a minute.
   * For work before the migration; later a lost lock may be taken again.
   */
  readonly lost: AbortSignal;
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

/** One run at a time, and what it says of itself. */
export interface LockPort {
  /** Takes the run's lock or rejects with SM_LOCKED, naming holder and start. */
  lock(holder: {
    readonly run: string;
    readonly description: string;
    readonly startedAt: string;
    /** Told when the coordination database stays behind, and why. */
    readonly onLeftBehind?: (line: string) => void;
  }): Promise<RunLock>;
  /**
   * The journal of a run on this target that has not ended, or has left something to finish; null when nothing is
   * open. Needs no lock. Rejects with SM_JOURNAL_UNREADABLE.
   */
  openJournal(): Promise<Journal | null>;
  /** Database and comment that say that nothing is open: for a person who closes the journal by hand. */
  readonly closedJournal: { readonly database: string; readonly comment: string };
}
