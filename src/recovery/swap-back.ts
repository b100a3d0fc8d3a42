import { readHistory } from '../prisma/history.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { SafeMigrateError } from '../system/errors.ts';
import { type ReadyCopy, readyCopy } from './baseline.ts';
import { sameHistory } from './decide.ts';
import { exchangeWhenReachable } from './exchange-when-reachable.ts';
import { holdOn } from './hold-on.ts';
import { recoveryFailed } from './recovery-failed.ts';
import type { RecoveryRequest } from './recovery-request.ts';
import { whenReachable } from './when-reachable.ts';

/** Recovery is never cancelled half-way. */
const never = new AbortController().signal;

/**
 * Puts the copy in the target's place, and looks whether it arrived. Rejects with SM_RECOVERY_FAILED, or with
 * SM_WRITTEN_MEANWHILE where `writtenRows` is not null and somebody wrote since.
 */
export async function swapBack(
  request: RecoveryRequest,
  writtenRows: string | null,
  log: PhaseLog,
): Promise<{ readonly failedName: string; readonly xidAtSwap: number }> {
  const { database, baseline, journal } = request;
  const name = database.address.database;
  await whenReachable(() => holdOn(request), log);
  const fallback = baseline.fallback ?? (await whenReachable(() => restoreNow(request, log), log));
  // Again: restoring may have taken long, and now the journal names what becomes the target.
  if (baseline.fallback === null) await whenReachable(() => holdOn(request, fallback), log);
  const { name: failedName, run } = await whenReachable(() => database.failedPlace(request.run), log);
  const swap = () =>
    database.swap(
      {
        targetOid: baseline.targetOid,
        fallback,
        failedName,
        properties: request.properties,
        run,
        writtenRows,
        journal: journal.isOpen ? journal.whenSwapped() : null,
      },
      log,
    );
  const outcome = await exchangeWhenReachable(request, fallback, swap, log).catch((error: unknown) => {
    if (saysItself(error)) throw error;
    throw recoveryFailed(
      `the swap did not happen: ${name} is as the failed migration left it, and the state before it is in ${fallback.name}`,
      error,
    );
  });
  journal.swapped();
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
    ['SM_SWAP_UNKNOWN', 'SM_ALREADY_SWAPPED', 'SM_WRITTEN_MEANWHILE'].includes(error.code)
  );
}

/** What is wrong with the target after the swap; contents are not compared, the application writes again. */
async function lookAtSwapped(request: RecoveryRequest, fallback: ReadyCopy): Promise<readonly string[]> {
  const { database, baseline } = request;
  const oid = await database.oidOf(database.address.database);
  const digest = await database.schemaDigest(never);
  const history = await readHistory(database, request.migrator.historySchema);
  return [
    oid === fallback.oid ? null : 'another database answers to its name',
    digest === fallback.schemaDigest ? null : 'its schema is not that of the backup',
    sameHistory(baseline.history, history) ? null : 'its migration history is not that of the backup',
  ].filter((problem) => problem !== null);
}

/** `verify: archive` had no copy ready; the dump is restored and compared now, before the swap may use it. */
async function restoreNow(request: RecoveryRequest, log: PhaseLog): Promise<ReadyCopy> {
  const { database, baseline } = request;
  if (baseline.dump === null) {
    throw recoveryFailed('there is no copy to go back to, and the dump to make one of is not at hand', null);
  }
  const { path, details } = baseline.dump;
  log.detail('restoring the dump beside the target');
  const name = database.copyName('fallback', request.run);
  // An attempt before this one may have lost its connection, and with it the chance to clear up.
  await database.dropCopy(name);
  const copy = await database.restoreBeside(
    {
      name,
      run: request.run,
      dumpPath: path,
      expected: details.fingerprint,
      expectedSchemaText: details.schemaText,
      hasPublicSchema: details.hasPublicSchema,
      properties: details.properties,
      jobs: request.settings.jobs,
      signal: never,
    },
    log,
  );
  return readyCopy(copy);
}
