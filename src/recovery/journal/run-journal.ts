import type { RunLock } from '../../database/database.ts';
import type { Journal, JournalEntry, JournalPhase } from '../../database/journal.ts';

/**
 * The journal of one run, kept by whoever holds the lock: the run itself, or the one that finishes it. Every change
 * rejects as `RunLock.writeJournal` does, and then nothing that depends on it may be done.
 */
export class RunJournal {
  readonly #lock: RunLock;
  readonly #tell: (isOpen: boolean) => void;
  #entry: JournalEntry;
  #isOpen: boolean;

  private constructor(lock: RunLock, entry: JournalEntry, isOpen: boolean, tell: (isOpen: boolean) => void) {
    this.#lock = lock;
    this.#entry = entry;
    this.#isOpen = isOpen;
    this.#tell = tell;
  }

  /** Nothing is written before the first `enter`. `tell` hears of each change from open to closed and back. */
  static of(
    lock: RunLock,
    start: Pick<JournalEntry, 'run' | 'command' | 'targetOid' | 'comment' | 'historySchema' | 'migrations'> &
      Partial<Pick<JournalEntry, 'backupId'>>,
    tell: (isOpen: boolean) => void,
  ): RunJournal {
    const nothing = { backupId: null, dump: null, fallback: null, baseline: null, because: null };
    return new RunJournal(
      lock,
      { version: 1, phase: 'dump', afterMigrateOwed: false, ...nothing, ...start },
      false,
      tell,
    );
  }

  /** That of another run, which is to be finished. */
  static found(lock: RunLock, { at: _, ...entry }: Journal): RunJournal {
    return new RunJournal(lock, entry, true, () => {});
  }

  get entry(): JournalEntry {
    return this.#entry;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Writes that `phase` begins, with all that is known by now. Before the effect, never after it. */
  async enter(phase: JournalPhase, known: Partial<Omit<JournalEntry, 'phase'>> = {}): Promise<void> {
    const entry = { ...this.#entry, ...known, phase };
    // Told first: who looks for an open journal and finds none has lost nothing.
    this.#tell(true);
    await this.#lock.writeJournal({ run: entry.run, isOpen: this.#isOpen, entry });
    this.#entry = entry;
    this.#isOpen = true;
  }

  /** Rejects with SM_JOURNAL_TAKEN when somebody else has finished this run meanwhile. */
  async assertOurs(): Promise<void> {
    await this.enter(this.#entry.phase);
  }

  /** `after-migrate` is about to run: whoever comes next does not run it again. */
  async payHook(): Promise<void> {
    if (!this.#isOpen) return;
    const entry = { ...this.#entry, afterMigrateOwed: false };
    // Not told: a journal that was left to a person stays that.
    await this.#lock.writeJournal({ run: entry.run, isOpen: true, entry });
    this.#entry = entry;
  }

  /** The entry that the swap's own transaction writes. */
  whenSwapped(): JournalEntry {
    return { ...this.#entry, phase: 'swapped' };
  }

  /** The swap has written it. */
  swapped(): void {
    this.#entry = this.whenSwapped();
  }

  /** Leaves it open on purpose: a person has to finish, and nobody else changes anything. */
  async leave(phase: 'stopped' | 'recovery-failed', because: string): Promise<void> {
    await this.enter(phase, { because });
    this.#tell(false);
  }

  /** Nothing is open any more. */
  async clear(): Promise<void> {
    if (this.#isOpen) await this.#lock.writeJournal({ run: this.#entry.run, isOpen: true, entry: null });
    this.#isOpen = false;
    this.#tell(false);
  }
}
