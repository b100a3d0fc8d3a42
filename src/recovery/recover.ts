import { z } from 'zod';
import type { Database, DatabaseProperties, Fallback, RunLock } from '../database/database.ts';
import { describeScript } from '../lint/statements.ts';
import { readHistory } from '../prisma/history.ts';
import type { DeployResult, HistoryRow, Migrator } from '../prisma/migrator.ts';
import type { RecoveryMethod } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { SafeMigrateError } from '../system/errors.ts';
import type { Baseline } from './baseline.ts';
import { type Decision, decide, type Evidence, sameHistory, withoutEvidence } from './decide.ts';
import { measureExecution } from './measure-execution.ts';
import { putHistoryBack } from './put-history-back.ts';
import { quietMigrator } from './quiet-migrator.ts';
import { whenReachable } from './when-reachable.ts';

export interface RecoveryRequest {
  readonly database: Database;
  readonly migrator: Migrator;
  readonly lock: RunLock;
  readonly baseline: Baseline;
  readonly deployed: DeployResult;
  readonly properties: DatabaseProperties;
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
  readonly fallback: Fallback | null;
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
  if ('way' in evidence) return act(evidence, request, baseline, log);
  let decision = decide(evidence);
  if (decision.way === 'measure-execution') {
    const execution = await measureExecution(request, log);
    log.detail(
      `this Prisma runs a script ${execution === 'one-query' ? 'as one query' : 'statement by statement'}`,
    );
    decision = decide({ ...evidence, execution });
  }
  return act(decision, request, baseline, log);
}

async function act(
  decision: Decision,
  request: RecoveryRequest,
  baseline: Baseline,
  log: PhaseLog,
): Promise<Recovery> {
  const { fallback } = baseline;
  switch (decision.way) {
    case 'untouched':
      return {
        result: 'untouched',
        method: 'none',
        because: 'history and catalogs are as before',
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
  return {
    before: { history: baseline.history, witness: baseline.witness },
    now: { history, witness: await database.witness() },
    script: file === undefined ? null : describeScript(file.script),
    eventTriggers: eventTriggers === undefined || eventTriggers.count > 0,
    execution: 'not-measured',
    rewoundSequences: await database.rewoundSequences(baseline.fingerprint),
    recovery: settings.recovery,
    writesBeforeMigration: baseline.writesBeforeMigration,
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
    writesBeforeMigration: request.baseline.writesBeforeMigration,
    onNewWrites: request.settings.onNewWrites,
  });
}

/** Whether the history holds a new migration that is not among our files: a deploy of another commit was here. */
function hasForeignRow(
  { migrator, baseline }: Pick<RecoveryRequest, 'migrator' | 'baseline'>,
  now: readonly HistoryRow[] | null,
): boolean {
  const known = new Set(baseline.history?.map((row) => row.id));
  const ours = new Set(migrator.migrations.map((file) => file.name));
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
  await putHistoryBack(database, migrator.historySchema, row);
  const history = await readHistory(database, migrator.historySchema);
  const isAsBefore =
    sameHistory(baseline.history, history) &&
    // The application may TRUNCATE or REFRESH meanwhile, which moves the witness and not the schema.
    ((await database.witness()) === baseline.witness ||
      (await database.schemaDigest(never)) === baseline.fingerprint.schemaDigest);
  if (!isAsBefore) {
    throw recoveryFailed(
      'the failed row was removed from the migration history, and still the target is not as before',
      null,
    );
  }
}

async function swapBack(
  request: RecoveryRequest,
  log: PhaseLog,
): Promise<{ readonly failedName: string; readonly xidAtSwap: number }> {
  const { database, baseline, lock } = request;
  const name = database.address.database;
  const failedName = database.copyName('failed', request.run);
  const fallback = baseline.fallback ?? (await restoreNow(request, log));
  await whenReachable(() => lock.regain(), log);
  const outcome = await database
    .swap(
      {
        targetOid: baseline.targetOid,
        fallback,
        failedName,
        properties: request.properties,
        run: request.run,
        journal: null,
      },
      log,
    )
    .catch((error: unknown) => {
      if (saysItself(error)) throw error;
      throw recoveryFailed(
        `the swap did not happen: ${name} is as the failed migration left it, and the state before it is in ${fallback.name}`,
        error,
      );
    });
  log.detail(`${outcome.terminatedSessions} sessions ended`);

  const wrong = await whenReachable(() => lookAtSwapped(request, fallback), log).catch((error: unknown) => {
    throw recoveryFailed(
      `${name} was swapped back, but could not be looked at afterwards; the failed state is in ${failedName}`,
      error,
    );
  });
  if (wrong.length > 0) {
    throw recoveryFailed(
      `${name} was swapped back, but ${wrong.join(', ')}; the failed state is in ${failedName}`,
      null,
    );
  }
  return { failedName, xidAtSwap: outcome.xidAtSwap };
}

/** Errors of the swap that do not leave both names as they were, or do not know. */
function saysItself(error: unknown): boolean {
  return (
    error instanceof SafeMigrateError &&
    (error.code === 'SM_SWAP_UNKNOWN' || error.code === 'SM_ALREADY_SWAPPED')
  );
}

/** What is wrong with the target after the swap; contents are not compared, the application writes again. */
async function lookAtSwapped(request: RecoveryRequest, fallback: Fallback): Promise<readonly string[]> {
  const { database, baseline } = request;
  const oid = await database.oidOf(database.address.database);
  const digest = await database.schemaDigest(never);
  const history = await readHistory(database, request.migrator.historySchema);
  return [
    oid === fallback.oid ? null : 'another database answers to its name',
    digest === fallback.fingerprint.schemaDigest ? null : 'its schema is not that of the backup',
    sameHistory(baseline.history, history) ? null : 'its migration history is not that of the backup',
  ].filter((problem) => problem !== null);
}

/** `verify: archive` had no copy ready; the dump is restored and compared now, before the swap may use it. */
async function restoreNow(request: RecoveryRequest, log: PhaseLog): Promise<Fallback> {
  const { database, baseline } = request;
  log.detail('restoring the dump beside the target');
  return database.restoreBeside(
    {
      name: database.copyName('fallback', request.run),
      run: request.run,
      dumpPath: baseline.dumpPath,
      expected: baseline.fingerprint,
      expectedSchemaText: baseline.schemaText,
      properties: request.properties,
      jobs: request.settings.jobs,
      signal: never,
    },
    log,
  );
}

function recoveryFailed(message: string, cause: unknown): SafeMigrateError {
  const detail = cause instanceof Error ? `: ${cause.message}` : '';
  return new SafeMigrateError({
    code: 'SM_RECOVERY_FAILED',
    phase: 'recover',
    docs: 'recovery.md',
    message: `${message}${detail}`,
    hint: 'Do not run further migrations. The report lists the commands that finish the recovery by hand.',
    cause,
  });
}
