import type {
  ContentsPort,
  CopiesPort,
  ExchangePort,
  RunLock,
  SwapPlan,
  TargetPort,
  WorkPort,
} from '../../database/database.ts';
import type { DeployResult, Migrator } from '../../prisma/migrator.ts';
import type { RecoveryEvidence } from '../../report/recovery-evidence.ts';
import type { RecoveryMethod } from '../../report/report.ts';
import type { Evidence } from '../decision/evidence.ts';
import type { Baseline, ReadyCopy } from './baseline.ts';
import type { RunJournal } from './run-journal.ts';

export interface RecoveryRequest {
  /** Without RoutePort and LockPort: who is at the server and who holds the lock is settled when something is recovered. */
  readonly database: TargetPort & ContentsPort & CopiesPort & ExchangePort & WorkPort;
  /** `deployProbe` null: the project's Prisma is not at hand. */
  readonly migrator: Pick<Migrator, 'kind' | 'historySchema' | 'migrations'> & {
    readonly deployProbe: Migrator['deployProbe'] | null;
  };
  /** Migrations that this run may have written rows of; a new row of another one is a foreign deploy's. */
  readonly migrationNames: readonly string[];
  readonly lock: RunLock;
  readonly journal: RunJournal;
  readonly baseline: Omit<Baseline, 'writesBeforeMigration'>;
  /** How many tables the application had changed after the snapshot. */
  readonly writesBeforeMigration: number;
  readonly deployed: DeployResult;
  readonly prismaLock: LockSight;
  /** Why nothing may be put back any more, whatever happened; null when it may. */
  readonly mayNotGoBack: string | null;
  /** Is told what the decision rests on before it is carried out; not at all when the target could not be looked at. */
  readonly tellEvidence: (evidence: RecoveryEvidence) => void;
  readonly properties: SwapPlan['properties'];
  /** The run that is undone; names the failed database. */
  readonly run: string;
  readonly settings: {
    readonly recovery: 'auto' | 'swap';
    readonly onNewWrites: 'restore' | 'stop';
    readonly jobs: number;
  };
}

/** What was seen of Prisma's lock while the migrator ran. */
export interface LockSight {
  /** Whether our migrator held it; `unknown`: nobody looked. */
  readonly sight: Evidence['lock'];
  readonly othersSeen: boolean;
}

export interface Recovery {
  readonly result: 'untouched' | 'restored' | 'stopped';
  readonly method: Exclude<RecoveryMethod, 'in-place'>;
  readonly because: string;
  /** The copy as it stands afterwards; null when it became the target or never was. */
  readonly fallback: ReadyCopy | null;
  readonly swapped: { readonly failedName: string; readonly xidAtSwap: number } | null;
}
