import type { HistoryReach } from '../../lint/history-reach.ts';
import type { ScriptDescription } from '../../lint/statements.ts';
import type { HistoryRow } from '../../prisma/migrator.ts';

/** What is known about a target after `migrate deploy` did not do all it should. */
export interface Evidence {
  /** `command`: a migrate-command may do more than Prisma does. */
  readonly migrator: 'prisma' | 'command';
  /** History and catalog witness read just before the migration; history null: there was no table. */
  readonly before: { readonly history: readonly HistoryRow[] | null; readonly witness: string };
  readonly now: { readonly history: readonly HistoryRow[] | null; readonly witness: string };
  /** Whether a script has begun, by the migrator's own words; `maybe`: it was cut off before it said either. */
  readonly begun: Begun;
  /** How far the scripts of this run reach towards the history, which then says what they want it to say. */
  readonly historyReach: HistoryReach;
  /** Triggers or rules on the history do something whenever Prisma writes it. */
  readonly historyIsWatched: boolean;
  /** Whether our migrator was seen to hold Prisma's lock; without it nothing shows that nobody else deployed, nor who did. */
  readonly lock: 'taken' | 'not-seen' | 'unknown';
  /** Why something that may be ours is still at work and may commit at any time; null when nothing is. */
  readonly stillWorking: string | null;
  /** The script of the one unfinished migration; null when it is not on disk or was not asked for. */
  readonly script: ScriptDescription | null;
  /** Event triggers of the user's run on DDL and can change data in ways no script shows. */
  readonly eventTriggers: boolean;
  /**
   * Whether every table and large object holds what it held in the snapshot and no sequence was set. Rows that the
   * application has written since count as changed: they cannot be told apart.
   */
  readonly contents: 'not-compared' | 'as-before' | 'changed';
  /** How this Prisma sends a script, as measured in this run. */
  readonly execution: 'one-query' | 'by-statement' | 'not-measured' | 'not-measurable';
  /** Sequences that stand lower than in the snapshot: somebody set them back, outside of any transaction. */
  readonly rewoundSequences: readonly string[];
  /** `swap`: never take the shorter ways. */
  readonly recovery: 'auto' | 'swap';
  /** How many tables the application had changed between the snapshot and the migration. */
  readonly writesBeforeMigration: number;
  /** Tables that differ from the snapshot by now; null: not compared, which only `on-new-writes: stop` asks for. */
  readonly writesMeanwhile: WritesMeanwhile | null;
  readonly onNewWrites: 'restore' | 'stop';
  /** Why nothing may be put back any more whatever happened (too much time has passed); null when it may. */
  readonly mayNotGoBack: string | null;
  /** Somebody else deploys, or has done so meanwhile: what changed may be the work of others. */
  readonly foreignDeploy: boolean;
}

export type Begun = 'no' | 'maybe' | 'yes';

/** Tables whose rows differ from the snapshot after the migration. */
export interface WritesMeanwhile {
  /** The scripts cannot have changed these: somebody else has. */
  readonly byOthers: readonly string[];
  /** The scripts name them, or run code that could have changed any table: whose work it is cannot be told. */
  readonly notToldApart: readonly string[];
  /** `Database.writtenRows` before they were read. */
  readonly writtenRows: string;
}
