import type { TableDifference } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { NamePlan, SwapOutcome, SwapPlan } from './swap-plan.ts';

/** Names that change places, and what the two databases hold afterwards. */
export interface ExchangePort {
  /**
   * Under which name, and run, what is the target now is kept when it is swapped out: by the run that is undone, unless
   * somebody has put a database there meanwhile; whoever sees the copy's name could guess that one.
   */
  failedPlace(run: string): Promise<{ readonly name: string; readonly run: string }>;
  /** The swap: one transaction, see recovery docs. Rejects with SM_SWAP_FAILED; then both names are as before. */
  swap(plan: SwapPlan, log: PhaseLog): Promise<SwapOutcome>;
  /**
   * The swap where there is no target: the fallback takes its name, in one transaction. Rejects with SM_SWAP_FAILED;
   * then there still is none.
   */
  takeName(plan: NamePlan): Promise<void>;
  /** OID of a database by name; null when there is none. */
  oidOf(name: string): Promise<number | null>;
  /** Per-table differences between the failed database and the recovered target; only tables that differ. */
  compareWithFailed(
    request: {
      readonly failedName: string;
      readonly xidAtSwap: number;
      readonly before: Fingerprint;
      readonly jobs: number;
    },
    log: PhaseLog,
  ): Promise<readonly TableDifference[]>;
}
