import type { Fallback } from './copies-port.ts';
import type { JournalEntry } from './journal.ts';
import type { DatabaseProperties } from './properties.ts';

export interface SwapPlan {
  readonly targetOid: number;
  readonly fallback: Pick<Fallback, 'name' | 'oid'>;
  readonly failedName: string;
  /**
   * The comment is put on the target that comes back; a copy has the rest of them already. `owner`: to whom this run gave the
   * copy; not known of the copy of another run, which then has to belong to somebody who could do the same to the target.
   */
  readonly properties: Pick<DatabaseProperties, 'comment'> & Partial<Pick<DatabaseProperties, 'owner'>>;
  /** Stands in the mark that the failed database gets as its comment. */
  readonly run: string;
  /** `Database.writtenRows` as it was before the target was last read: with another number nothing is swapped. Without it: whatever was written. */
  readonly writtenRows?: string | null;
  /** Becomes the journal in the transaction that renames, or not at all; null: there is none to change. */
  readonly journal: JournalEntry | null;
}

/** For a target that is gone. */
export type NamePlan = Pick<SwapPlan, 'fallback' | 'properties' | 'journal'>;

export interface SwapOutcome {
  readonly terminatedSessions: number;
  /** 32-bit xid at the swap: every row of the recovered target that is older came out of the backup. */
  readonly xidAtSwap: number;
}
