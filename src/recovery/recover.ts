import { readHistory } from '../prisma/history.ts';
import type { HistoryRow } from '../prisma/migrator.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { SafeMigrateError } from '../system/errors.ts';
import { decideBlind, decideBy, type FinalDecision } from './answer.ts';
import { sameHistory } from './decide.ts';
import { describeEvidence } from './describe-evidence.ts';
import type { Evidence } from './evidence.ts';
import { gatherEvidence, scriptsOf } from './gather-evidence.ts';
import { holdOn, takingRowOut } from './hold-on.ts';
import type { Quiet } from './own-work.ts';
import { putHistoryBack } from './put-history-back.ts';
import { quietMigrator } from './quiet-migrator.ts';
import { recoveryFailed } from './recovery-failed.ts';
import type { Recovery, RecoveryRequest } from './recovery-request.ts';
import { swapBack } from './swap-back.ts';
import { whenReachable } from './when-reachable.ts';

/** Recovery is never cancelled half-way: it listens to nobody, and no step of it waits for long. */
const never = new AbortController().signal;

/** ANALYZE writes as well, into the catalogs: that is not told apart from rows at once, and has ended by the next time. */
const swapAttempts = 3;
const goesOnBeingWritten: FinalDecision = {
  way: 'stopped',
  because:
    'somebody goes on writing into the target while it is compared with the backup, and on-new-writes is stop',
};

/**
 * Brings the target back after a migration that did not do all it should. Resolves when the target is back
 * and checked, or when it was left as it is on purpose (`stopped`). Rejects with SM_RECOVERY_FAILED when
 * neither holds; the error's hint says under which name the original is to be found.
 */
export async function recover(request: RecoveryRequest, log: PhaseLog): Promise<Recovery> {
  let { decision, evidence } = await lookAndDecide(request, log);
  for (let attempt = 1; ; attempt += 1) {
    if (evidence !== null) request.tellEvidence(describeEvidence(evidence, decision));
    try {
      return await act(decision, evidence, request, log);
    } catch (error) {
      const isWritten = error instanceof SafeMigrateError && error.code === 'SM_WRITTEN_MEANWHILE';
      if (!isWritten || evidence === null) throw error;
      log.detail(error.message);
      const again = await decideBy({ ...evidence, writesMeanwhile: null }, request, log);
      evidence = again.evidence;
      decision = attempt < swapAttempts ? again.decision : goesOnBeingWritten;
    }
  }
}

async function lookAndDecide(
  request: RecoveryRequest,
  log: PhaseLog,
): Promise<{ readonly decision: FinalDecision; readonly evidence: Evidence | null }> {
  const own = {
    deployed: request.deployed,
    run: request.run,
    since: request.baseline.serverTime,
    scripts: scriptsOf(request),
  };
  let quiet: Quiet = { foreignDeploy: false, stillWorking: null };
  try {
    const gathered = await whenReachable(async () => {
      quiet = await quietMigrator(request.database, own, log);
      return await gatherEvidence(request, quiet);
    }, log);
    return await decideBy(gathered, request, log);
  } catch (error) {
    if (!(error instanceof SafeMigrateError) || error.code !== 'SM_SQL') throw error;
    return {
      decision: decideBlind({ ...request, ...request.settings, ...quiet }, error.message),
      evidence: null,
    };
  }
}

async function act(
  decision: FinalDecision,
  evidence: Evidence | null,
  request: RecoveryRequest,
  log: PhaseLog,
): Promise<Recovery> {
  const { fallback } = request.baseline;
  const { because } = decision;
  const asItWas = { because, fallback, swapped: null };
  switch (decision.way) {
    case 'untouched':
      return { result: 'untouched', method: 'none', ...asItWas };
    case 'stopped':
      return { result: 'stopped', method: 'none', ...asItWas };
    case 'history':
      log.detail(because);
      await whenReachable(() => undoByHistory(request, decision.row), log);
      return { result: 'restored', method: 'history', ...asItWas };
    case 'swap': {
      log.detail(`swap, because ${because}`);
      const swapped = await swapBack(request, evidence?.writesMeanwhile?.writtenRows ?? null, log);
      return { result: 'restored', method: 'swap', because, fallback: null, swapped };
    }
  }
}

async function undoByHistory(request: RecoveryRequest, row: HistoryRow): Promise<void> {
  const { database, migrator, baseline } = request;
  await holdOn(request, undefined, takingRowOut);
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
