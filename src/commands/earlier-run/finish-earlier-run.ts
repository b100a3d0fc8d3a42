import type { Keys } from '../../backup/encryption/encryption.ts';
import type { BackupDetails } from '../../backup/manifest/details.ts';
import { discardUnfinished } from '../../backup/stored/discard-unfinished.ts';
import type { OpenedBackup } from '../../backup/stored/open-backup.ts';
import type {
  ContentsPort,
  CopiesPort,
  ExchangePort,
  LockPort,
  RunLock,
  TargetPort,
  WorkPort,
} from '../../database/database.ts';
import type { Journal } from '../../database/journal.ts';
import type { HistoryRow, Migrator } from '../../prisma/migrator.ts';
import { recoverUnfinished } from '../../recovery/finish/recover-unfinished.ts';
import type { RestorableDump } from '../../recovery/journal/baseline.ts';
import { historyDigest } from '../../recovery/journal/history-digest.ts';
import type { Recovery, RecoveryRequest } from '../../recovery/journal/recovery-request.ts';
import { RunJournal } from '../../recovery/journal/run-journal.ts';
import { whenReachable } from '../../recovery/journal/when-reachable.ts';
import type { EarlierRun, NextStep } from '../../report/report.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { backupToRecoverFrom, restorableBackupOf } from './backup-of-run.ts';
import { dropCopiesOf } from './drop-copies-of.ts';
import { historyOf, lookAtEarlierRun } from './look-at-earlier-run.ts';
import { waysToFinish } from './ways-to-finish.ts';

interface EarlierRunRequest {
  readonly database: TargetPort & ContentsPort & CopiesPort & ExchangePort & LockPort & WorkPort;
  /** Held: nobody else is at work on the target. */
  readonly lock: RunLock;
  /** null: the project is not at hand, and the shorter ways of recovery are not known to be enough. */
  readonly migrator: Migrator | null;
  readonly storages: readonly Storage[];
  readonly settings: { readonly jobs: number };
  /** What opens the stored backup and says that its manifest is authentic. */
  readonly keys: Keys;
  /** What its backup must look like, from this machine's disk, where that run was at work here. */
  readonly detailsOf: (journal: Journal) => Promise<BackupDetails | null>;
  /** The dump on this machine's disk; only `verify: archive` needs it. */
  readonly dumpOf: (journal: Journal, details: BackupDetails) => Promise<RestorableDump | null>;
  /** The same from a storage, for when there is none on this machine's disk either. */
  readonly fetchDump: (
    backup: OpenedBackup,
    log: PhaseLog,
  ) => Promise<(RestorableDump & AsyncDisposable) | null>;
  /** The last thing before the journal is closed: what the run owes to others. */
  readonly beforeClosing?: (journal: RunJournal) => Promise<void>;
  /** Is told what the decision about that run rests on. */
  readonly tellEvidence: RecoveryRequest['tellEvidence'];
  /** For what may take long without being needed; recovery itself listens to nobody. */
  readonly signal: AbortSignal;
}

export interface FinishedRun extends EarlierRun {
  /** Why it stays open; null when it is closed. */
  readonly problem: SafeMigrateError | null;
  readonly nextSteps: readonly NextStep[];
  readonly swapped: { readonly failedName: string; readonly xidAtSwap: number } | null;
  /** Of its backup; null when they are not needed, or nobody here can read them. */
  readonly details: BackupDetails | null;
  /** `before-migrate` of that run was begun, and its `after-migrate` was not. */
  readonly afterMigrateOwed: boolean;
}

/**
 * Finishes a run that has ended without closing its journal, by the table in docs/recovery.md. The caller holds the lock,
 * so that run is dead, or will find that it has no say any more. Rejects only before anything was changed.
 */
export async function finishEarlierRun(
  request: EarlierRunRequest,
  journal: Journal,
  log: PhaseLog,
): Promise<FinishedRun> {
  const { database, lock, signal } = request;
  const kept = RunJournal.found(lock, journal);
  const decision = await whenReachable(() => lookAtEarlierRun(request, journal, log), log);
  const isNeeded = decision.way === 'recover';
  const known = isNeeded ? await request.detailsOf(journal) : null;
  const backup = isNeeded && known === null ? await backupToRecoverFrom(request, journal, log) : null;
  const details = known ?? backup?.details ?? null;
  const finished = (
    outcome: EarlierRun['outcome'],
    fact: string,
    more: Partial<FinishedRun> = {},
  ): FinishedRun => ({
    run: journal.run,
    command: journal.command,
    phase: journal.phase,
    at: journal.at,
    outcome,
    fact: `run ${journal.run}, which ended in ${journal.phase}: ${fact}`,
    problem: null,
    nextSteps: [],
    swapped: null,
    details,
    afterMigrateOwed: journal.afterMigrateOwed,
    ...more,
  });
  const open = async (
    outcome: 'stopped' | 'recovery-failed',
    because: string,
    problem: SafeMigrateError,
  ): Promise<FinishedRun> => {
    if (journal.phase !== outcome) await kept.leave(outcome, because);
    const nextSteps = await waysToFinish(database, kept.entry, await restorableBackupOf(request, journal));
    return finished(outcome, because, { problem, nextSteps });
  };
  const close = async (): Promise<void> => {
    await dropCopiesOf(database, journal.run, log);
    // What a rollback goes back to is whole, and not its own.
    if (journal.backupId !== null && journal.command !== 'rollback') {
      const left = await discardUnfinished(
        request.storages,
        database.address.database,
        journal.backupId,
        signal,
      );
      for (const problem of left.problems) log.warn(`what it has uploaded could not be cleared: ${problem}`);
      // Kept open: whoever comes next tries again, and nobody prunes what it names.
      if (left.problems.length > 0) return;
    }
    await request.beforeClosing?.(kept);
    await kept.clear();
  };

  switch (decision.way) {
    case 'swapped': {
      // That one has looked at it, and found it wrong.
      if (journal.command === 'rollback' && journal.phase === 'recovery-failed')
        return open(
          'recovery-failed',
          journal.because ?? 'its history is not that of the backup',
          stands(journal),
        );
      const wrong = await lookAtSwapped(database, journal);
      if (wrong !== null && journal.phase === 'recovery-failed')
        return open('recovery-failed', wrong, stands(journal));
      if (wrong !== null) log.warn(`after the swap of run ${journal.run} ${wrong}`);
      await close();
      return finished('restored', 'its swap was done, the target is the restored backup');
    }
    case 'untouched':
      await close();
      return finished('untouched', nothingChanged);
    case 'settle':
      await close();
      return finished(
        'migrated',
        `all its ${journal.migrations.length} migrations are applied, nothing is undone`,
      );
    case 'leave':
      return open(
        journal.phase === 'stopped' ? 'stopped' : 'recovery-failed',
        journal.because ?? 'a person has to finish it',
        stands(journal),
      );
    case 'stop':
      return open('stopped', decision.because, unfinished('SM_STOPPED', decision.because));
    case 'recover':
      break;
  }

  try {
    // A copy that its journal does not name is half restored, and in the way of the next attempt.
    if (journal.fallback === null) await whenReachable(() => dropCopiesOf(database, journal.run, log), log);
    const { history, mayNotGoBack } = decision;
    const recovery = await recoverFrom(
      request,
      { kept, journal, backup, details, history, mayNotGoBack },
      log,
    );
    if (recovery.result === 'stopped') {
      return open('stopped', recovery.because, unfinished('SM_STOPPED', recovery.because));
    }
    await close();
    if (recovery.result === 'untouched') return finished('untouched', nothingChanged);
    const method = recovery.method === 'none' ? '' : ` by ${recovery.method}`;
    const failed =
      recovery.swapped === null ? '' : `; what it left is kept as ${recovery.swapped.failedName}`;
    return finished(recovery.result, `recovered${method}${failed}`, { swapped: recovery.swapped });
  } catch (error) {
    const because = `${journal.phase} of run ${journal.run} did not come to its end, and its recovery failed: ${messageOf(error)}`;
    return open('recovery-failed', because, unfinished('SM_RECOVERY_FAILED', because, error));
  }
}

const nothingChanged = 'it had changed nothing in the target; what it left beside is cleared away';

/** With the copy that the run has left, or with its dump: from this machine's disk, or else from a storage. */
async function recoverFrom(
  request: EarlierRunRequest,
  found: {
    readonly kept: RunJournal;
    readonly journal: Journal;
    readonly backup: OpenedBackup | null;
    readonly details: BackupDetails | null;
    readonly history: readonly HistoryRow[] | null;
    readonly mayNotGoBack: string | null;
  },
  log: PhaseLog,
): Promise<Recovery> {
  const { kept, journal, details, history, mayNotGoBack } = found;
  const held = details === null ? null : await request.dumpOf(journal, details);
  const needsStored = held === null && journal.fallback === null;
  // Without details it was asked for already, and could not be opened.
  const isUnasked = needsStored && found.backup === null && details !== null;
  const backup = isUnasked ? await backupToRecoverFrom(request, journal, log) : found.backup;
  await using fetched = needsStored && backup !== null ? await request.fetchDump(backup, log) : null;
  return await recoverUnfinished(
    {
      ...request,
      journal: kept,
      history,
      mayNotGoBack,
      fingerprint: details?.fingerprint ?? null,
      dump: held ?? fetched,
    },
    log,
  );
}

/** What is not as it should be after a swap whose run did not get to look; null when all is well. */
async function lookAtSwapped(
  database: TargetPort & ContentsPort & CopiesPort,
  journal: Journal,
): Promise<string | null> {
  const digest = await database.schemaDigest(new AbortController().signal);
  if (digest !== journal.fallback?.schemaDigest) return 'its schema is not that of the backup';
  // A rollback did not look at the history that the backup brings.
  if (journal.command === 'rollback') return null;
  const history = await historyOf(database, journal);
  if (history === 'unreadable' || historyDigest(history) !== journal.baseline?.history) {
    return 'its migration history is not that of the backup';
  }
  return null;
}

function stands(journal: Journal): SafeMigrateError {
  return unfinished(
    'SM_UNFINISHED_RUN',
    `run ${journal.run} left the target in the state ${journal.phase} at ${journal.at}: ${journal.because ?? 'no reason is noted'}`,
  );
}

function unfinished(code: `SM_${string}`, because: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code,
    phase: 'recover',
    docs: 'recovery.md',
    message: code === 'SM_STOPPED' ? `an earlier run is left as it is: ${because}` : because,
    hint: 'Choose one of the ways to finish that the report lists; until then no run changes this database.',
    cause,
  });
}
