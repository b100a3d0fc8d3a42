/**
 * What a recovery's decision rests on: what was looked at, and what was found. Holds no row of the user's and no text of the
 * migrator's.
 */
export interface RecoveryEvidence {
  readonly decision: 'untouched' | 'history' | 'swap' | 'stopped';
  readonly because: string;
  /** Whether a script had begun, by the migrator's own words; `maybe`: it was cut off before it said either. */
  readonly begun: 'no' | 'maybe' | 'yes';
  /** Prisma's advisory lock, watched while the migrator ran. */
  readonly lock: 'taken' | 'not-seen' | 'unknown';
  /** Somebody else's deploy is or was at work. */
  readonly foreignDeploy: boolean;
  /** Why something that may be the run's own is still at work; null: every session of it was seen to be over. */
  readonly stillWorking: string | null;
  /** `_prisma_migrations`, compared row by row with how it was just before the migration. */
  readonly history: 'as-before' | 'changed';
  readonly newRows: number;
  /** How far the scripts reach towards the history, which then says what they want it to say. */
  readonly historyReach: 'named' | 'dynamic' | 'hidden' | 'none';
  readonly historyIsWatched: boolean;
  /** The witness of every definition catalog. */
  readonly catalogs: 'as-before' | 'changed';
  /** Rows of every table, large objects and, where a script could set them, sequences, compared with the snapshot. */
  readonly contents: 'not-compared' | 'as-before' | 'changed';
  readonly rewoundSequences: readonly string[];
  readonly eventTriggers: boolean;
  /** The script of the one unfinished migration; null when it is not on disk or there is not one. */
  readonly script: {
    readonly parsed: boolean;
    readonly statements: number;
    readonly mayChangeData: boolean;
    readonly breaksAtomicity: boolean;
  } | null;
  /** How this Prisma sends a script, where that had to be measured. */
  readonly execution: 'one-query' | 'by-statement' | 'not-measured' | 'not-measurable';
  readonly writesBeforeMigration: number;
  /** Tables that differ from the snapshot; null: not compared, which only `on-new-writes: stop` asks for. */
  readonly writesMeanwhile: {
    readonly byOthers: readonly string[];
    readonly notToldApart: readonly string[];
  } | null;
}
