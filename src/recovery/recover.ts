import { z } from 'zod';
import type { Database, RunLock, SwapPlan } from '../database/database.ts';
import { describeScript } from '../lint/statements.ts';
import { readHistory } from '../prisma/history.ts';
import type { DeployResult, HistoryRow, Migrator } from '../prisma/migrator.ts';
import type { RecoveryMethod } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { SafeMigrateError } from '../system/errors.ts';
import type { Baseline, ReadyCopy } from './baseline.ts';
import { compareContents } from './compare-contents.ts';
import { type Decision, decide, type Evidence, sameHistory, withoutEvidence } from './decide.ts';
import { holdOn } from './hold-on.ts';
import { measureExecution } from './measure-execution.ts';
import { putHistoryBack } from './put-history-back.ts';
import { quietMigrator } from './quiet-migrator.ts';
import { recoveryFailed } from './recovery-failed.ts';
import type { RunJournal } from './run-journal.ts';
import { swapBack } from './swap-back.ts';
import { whenReachable } from './when-reachable.ts';

export interface RecoveryRequest {
  readonly database: Database;
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
  readonly properties: SwapPlan['properties'];
  /** The run that is undone; names the failed database. */
  readonly run: string;
  readonly settings: {
    readonly recovery: 'auto' | 'swap';
    readonly onNewWrites: 'restore' | 'stop';
    readonly jobs: number;
  };
}

export interface Recovery {
  readonly result: 'untouched' | 'restored' | 'stopped';
  readonly method: RecoveryMethod;
  readonly because: string;
  /** The copy as it stands afterwards; null when it became the target or never was. */
  readonly fallback: ReadyCopy | null;
  readonly swapped: { readonly failedName: string; readonly xidAtSwap: number } | null;
}

/** Recovery is never cancelled half-way: it listens to nobody, and no step of it waits for long. */
const never = new AbortController().signal;

/**
 * Brings the target back after a migration that did not do all it should. Resolves when the target is back
 * and checked, or when it was left as it is on purpose (`stopped`). Rejects with SM_RECOVERY_FAILED when
 * neither holds; the error's hint says under which name the original is to be found.
 */
export async function recover(request: RecoveryRequest, log: PhaseLog): Promise<Recovery> {
  const { database, baseline } = request;
  const evidence = await whenReachable(async () => {
    const { deployed, run } = request;
    const { foreignDeploy } = await quietMigrator(
      database,
      { deployed, run, since: baseline.serverTime },
      log,
    );
    return gatherEvidence(request, foreignDeploy).catch((error: unknown) =>
      blind(request, foreignDeploy, error),
    );
  }, log);
  if ('way' in evidence) return act(evidence, request, log);
  let decision = decide(evidence);
  if (decision.way === 'measure-execution') {
    const execution = await measureExecution(request, log);
    log.detail(
      `this Prisma runs a script ${execution === 'one-query' ? 'as one query' : 'statement by statement'}`,
    );
    decision = decide({ ...evidence, execution });
  }
  return act(decision, request, log);
}

async function act(decision: Decision, request: RecoveryRequest, log: PhaseLog): Promise<Recovery> {
  const { fallback } = request.baseline;
  switch (decision.way) {
    case 'untouched':
      return {
        result: 'untouched',
        method: 'none',
        because:
          request.migrator.kind === 'command'
            ? 'history and catalogs are as before, and so is what every table holds'
            : 'history and catalogs are as before',
        fallback,
        swapped: null,
      };
    case 'stopped':
      return { result: 'stopped', method: 'none', because: decision.because, fallback, swapped: null };
    case 'history':
      log.detail(decision.because);
      await whenReachable(() => undoByHistory(request, decision.row), log);
      return { result: 'restored', method: 'history', because: decision.because, fallback, swapped: null };
    case 'swap':
    case 'measure-execution': {
      const because =
        decision.way === 'swap' ? decision.because : 'how Prisma sends a script was not measured';
      log.detail(`swap, because ${because}`);
      const swapped = await swapBack(request, log);
      return { result: 'restored', method: 'swap', because, fallback: null, swapped };
    }
  }
}

async function gatherEvidence(request: RecoveryRequest, foreignDeploy: boolean): Promise<Evidence> {
  const { database, migrator, baseline, settings } = request;
  const history = await readHistory(database, migrator.historySchema);
  const unfinished = newUnfinished(baseline.history, history);
  const file = migrator.migrations.find((migration) => migration.name === unfinished?.migrationName);
  const [eventTriggers] = await database.query(
    `SELECT count(*)::int AS count FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D'`,
    z.object({ count: z.int() }),
  );
  const witness = await database.witness();
  const rewoundSequences =
    baseline.fingerprint === null ? [] : await database.rewoundSequences(baseline.fingerprint);
  return {
    before: { history: baseline.history, witness: baseline.witness },
    now: { history, witness },
    script: file === undefined ? null : describeScript(file.script),
    eventTriggers: eventTriggers === undefined || eventTriggers.count > 0,
    contents:
      migrator.kind === 'command' && witness === baseline.witness
        ? await compareContents(request, rewoundSequences, never)
        : 'not-compared',
    execution: 'not-measured',
    rewoundSequences,
    // Without the backup's fingerprint nobody can say that no sequence was set back.
    recovery: baseline.fingerprint === null ? 'swap' : settings.recovery,
    writesBeforeMigration: request.writesBeforeMigration,
    onNewWrites: settings.onNewWrites,
    foreignDeploy: foreignDeploy || hasForeignRow(request, history),
  };
}

/**
 * A migration can leave the target so that it cannot even be looked at (its history table altered, rights revoked, a
 * lock left behind). The swap needs no look at it; what forbids a swap still does.
 */
function blind(request: RecoveryRequest, foreignDeploy: boolean, error: unknown): Decision {
  if (!(error instanceof SafeMigrateError) || error.code !== 'SM_SQL') throw error;
  return withoutEvidence({
    because: `what the migration left cannot be read: ${error.message}`,
    foreignDeploy,
    writesBeforeMigration: request.writesBeforeMigration,
    onNewWrites: request.settings.onNewWrites,
  });
}

/** Whether the history holds a new migration that is not among our files: a deploy of another commit was here. */
function hasForeignRow(
  { migrationNames, baseline }: Pick<RecoveryRequest, 'migrationNames' | 'baseline'>,
  now: readonly HistoryRow[] | null,
): boolean {
  const known = new Set(baseline.history?.map((row) => row.id));
  const ours = new Set(migrationNames);
  return now?.some((row) => !known.has(row.id) && !ours.has(row.migrationName)) === true;
}

function newUnfinished(
  before: readonly HistoryRow[] | null,
  now: readonly HistoryRow[] | null,
): HistoryRow | undefined {
  const known = new Set(before?.map((row) => row.id));
  return now?.find((row) => !known.has(row.id) && row.finishedAt === null && row.rolledBackAt === null);
}

async function undoByHistory(request: RecoveryRequest, row: HistoryRow): Promise<void> {
  const { database, migrator, baseline } = request;
  await holdOn(request);
  await putHistoryBack(database, migrator.historySchema, row);
  const history = await readHistory(database, migrator.historySchema);
  const isAsBefore =
    sameHistory(baseline.history, history) &&
    // The application may TRUNCATE or REFRESH meanwhile, which moves the witness and not the schema.
    ((await database.witness()) === baseline.witness ||
      (await database.schemaDigest(never)) === baseline.fingerprint?.schemaDigest);
  if (!isAsBefore) {
    throw recoveryFailed(
      'the failed row was removed from the migration history, and still the target is not as before',
      null,
    );
  }
}
