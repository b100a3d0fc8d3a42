import { join } from 'node:path';
import { backupFolder, backupId, labelBefore } from '../../backup/making/backup-id.ts';
import { GrowingFile } from '../../backup/making/growing-file.ts';
import { type Outgoing, outgoingDump } from '../../backup/making/outgoing.ts';
import { seal } from '../../backup/making/seal.ts';
import { sealDetails } from '../../backup/making/seal-details.ts';
import { Uploads } from '../../backup/making/uploads.ts';
import type { BackupDetails } from '../../backup/manifest/details.ts';
import { dumpName, sealedDumpName } from '../../backup/manifest/manifest.ts';
import type { Fallback, Snapshot } from '../../database/database.ts';
import { readyCopy } from '../../recovery/journal/baseline.ts';
import type { RunJournal } from '../../recovery/journal/run-journal.ts';
import { encryptionSentence } from '../../report/encryption-sentence.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { BackupRecord } from '../../report/report.ts';
import type { ExpectedContent } from '../../storage/port/storage.ts';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import type { Ready } from '../preflight/preflight.ts';
import type { CommandContext } from '../shared/context.ts';
import { proofFact, proofOf } from '../shared/proof-of.ts';
import { serverNow } from '../shared/server-clock.ts';
import type { BackupMaking } from '../shared/settings.ts';
import { unlessLost } from '../shared/unless-lost.ts';
import { writeDetails } from '../stored/details-file.ts';
import { backupDetails } from './backup-details.ts';
import { manifestText } from './manifest-text.ts';

/** A backup that every storage holds. Disposing of it removes the dump from this machine. */
export interface StoredBackup extends AsyncDisposable {
  readonly record: BackupRecord;
  readonly dumpPath: string;
  readonly details: BackupDetails;
  /** As of the snapshot. */
  readonly witness: string;
  readonly counters: Snapshot['counters'];
  /** null with `verify: archive`, and when the proof failed. */
  readonly fallback: Fallback | null;
  /** Why the dump is not proved to restore although it should have been; null when all is well. */
  readonly proofError: SafeMigrateError | null;
}

/**
 * dump, prove, store. `keepUnproved` decides what a failed proof means: `migrate` has nothing to go on with
 * and rejects, `backup` stores the dump marked as unproved and tells its caller.
 * On rejection nothing is left behind: no object, no part, no copy, no file.
 */
export async function takeBackup(
  context: CommandContext,
  settings: BackupMaking,
  ready: Ready,
  options: {
    readonly fallbackName: string;
    readonly keepUnproved: boolean;
    /** null where none is kept. */
    readonly journal: RunJournal | null;
  },
): Promise<StoredBackup> {
  const { database } = ready;
  // One storage that fails ends the dump at once instead of after it.
  const failing = new AbortController();
  const signal = AbortSignal.any([unlessLost(context, ready.lock).signal, failing.signal]);
  const onFailure = (error: unknown): void => failing.abort(error);
  const label = settings.label ?? labelBefore(ready.pending[0]);
  // By the clock that the manifest goes by: ids sort as their backups were taken, whichever runner took them.
  const id = backupId(await serverNow(database, (line) => context.log.warn(line)), label);
  const { journal } = options;
  await journal?.enter('dump', { backupId: id });
  const file = await GrowingFile.create(join(context.workFolder, dumpName));
  const outgoing = await outgoingFor(context, settings, file, onFailure);
  const uploads = new Uploads(ready.storages, {
    folder: backupFolder(database.address.database, id),
    file: outgoing,
    estimatedBytes: ready.facts.sizeBytes,
    signal,
    onFailure,
  });
  let fallback = null as Fallback | null;
  try {
    const snapshot = await database.openSnapshot();
    await using _ = snapshot;
    const dumped = await context.log.phase('dump', async (log) => {
      let tables = '';
      log.progress(() => `${formatBytes(file.sizeBytes)} dumped${tables}${uploads.progressText()}`);
      // The file comes first: when the disk is full, that is the reason, and pg_dump's broken pipe is not.
      const [content, , fingerprint, schemaText] = await allOrNone(signal, (stop) => [
        file.content,
        snapshot.dump(file.writer, stop),
        snapshot.fingerprint(settings.jobs, stop, (done, all) => {
          tables = `, ${done} of ${all} tables read`;
        }),
        snapshot.schemaText(stop),
      ]);
      return {
        fact: `${formatBytes(content.sizeBytes)} of ${formatBytes(ready.facts.sizeBytes)}, sha256 ${content.sha256.slice(0, 8)}…`,
        value: {
          details: backupDetails(id, ready, {
            fingerprint,
            schemaText,
            hasPublicSchema: snapshot.hasPublicSchema,
          }),
          content,
          takenAt: snapshot.takenAt,
          witness: snapshot.witness,
          counters: snapshot.counters,
        },
      };
    });
    await snapshot[Symbol.asyncDispose]();

    let proofError: SafeMigrateError | null = null;
    await writeDetails(context.workFolder, dumped.details);
    await journal?.enter('prove', { dump: dumped.content });
    try {
      fallback = await prove(context, settings, ready, { ...options, file, uploads, dumped, signal });
    } catch (error) {
      const unproved = error instanceof SafeMigrateError && !signal.aborted && options.keepUnproved;
      if (!unproved) throw error;
      proofError = error;
    }

    await journal?.enter('store', { fallback: fallback === null ? null : readyCopy(fallback) });
    const record = await context.log.phase('store', async (log) => {
      log.progress(() => uploads.progressText().replace(/^, /, '') || undefined);
      const content = await outgoing.release();
      const file = { name: outgoing.name, ...content };
      const details = { ...dumped.details, proofProblem: proofError?.message ?? null };
      const sealed = await sealDetails(details, settings.encryption);
      const manifest = await manifestText(context, settings, ready, {
        ...dumped,
        file,
        details,
        detailsFile: sealed.field,
        proofError,
      });
      const locations = await uploads.finish(sealed, manifest);
      const stored: BackupRecord = {
        id,
        locations,
        ...content,
        encryption: settings.encryption?.kind ?? null,
        restoreProved: fallback === null ? 'false' : 'true',
      };
      context.report.backup(stored);
      log.detail(`encrypted: ${encryptionSentence(stored.encryption)}`);
      for (const location of locations) log.detail(`${location.url}: ${location.verified}`);
      return { fact: locations.map((location) => location.url).join(' '), value: stored };
    });
    return {
      record,
      dumpPath: file.path,
      details: dumped.details,
      witness: dumped.witness,
      counters: dumped.counters,
      fallback,
      proofError,
      // The result stands by then; a file that cannot be removed does not change it.
      async [Symbol.asyncDispose]() {
        await leaveNothing(context, () => removeFiles(outgoing, file));
      },
    };
  } catch (error) {
    const reason = failing.signal.aborted ? failing.signal.reason : error;
    file.fail(reason);
    const cleared = [
      await leaveNothing(context, () => uploads.discard()),
      await leaveNothing(context, () => removeFiles(outgoing, file)),
      // Whether or not its proof came to an end.
      await leaveNothing(context, () => database.dropCopy(options.fallbackName)),
    ];
    // What is left is for post or the next run, which find it by the journal.
    if (journal !== null && cleared.every(Boolean)) await leaveNothing(context, () => journal.clear());
    throw reason;
  }
}

/** What goes to the storages: the dump, or its ciphertext. On rejection the dump is removed. */
async function outgoingFor(
  context: CommandContext,
  settings: BackupMaking,
  dump: GrowingFile,
  onFailure: (error: unknown) => void,
): Promise<Outgoing> {
  if (settings.encryption === null) return outgoingDump(dump);
  try {
    const path = join(context.workFolder, sealedDumpName);
    return await seal(dump, { encryption: settings.encryption, path, onFailure });
  } catch (error) {
    await leaveNothing(context, () => dump[Symbol.asyncDispose]());
    throw error;
  }
}

/** Both in any case: no plain text may stay because the ciphertext could not be removed. */
async function removeFiles(...files: readonly AsyncDisposable[]): Promise<void> {
  await using removals = new AsyncDisposableStack();
  for (const file of files) removals.use(file);
}

/** As Promise.all, but the first failure ends the others, and nothing is under way any more when this rejects. */
async function allOrNone<const T extends readonly Promise<unknown>[]>(
  signal: AbortSignal,
  begin: (stop: AbortSignal) => T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failing = new AbortController();
  const works = begin(AbortSignal.any([signal, failing.signal]));
  try {
    return await Promise.all(works);
  } catch (error) {
    failing.abort(error);
    await Promise.allSettled(works);
    throw error;
  }
}

/** Cleaning up after a failure must not hide the failure. */
async function leaveNothing(context: CommandContext, cleanUp: () => Promise<void>): Promise<boolean> {
  try {
    await cleanUp();
    return true;
  } catch (error) {
    const problem = messageOf(error);
    context.log.warn(`something is left behind: ${problem}`);
    return false;
  }
}

interface Dumped {
  readonly details: BackupDetails;
  readonly content: ExpectedContent;
  readonly takenAt: string;
}

async function prove(
  context: CommandContext,
  settings: BackupMaking,
  ready: Ready,
  given: {
    readonly fallbackName: string;
    readonly file: GrowingFile;
    readonly uploads: Uploads;
    readonly dumped: Dumped;
    readonly signal: AbortSignal;
  },
): Promise<Fallback | null> {
  const { dumped, file, signal } = given;
  return context.log.phase('prove', async (log) => {
    log.progress(() => `restoring${given.uploads.progressText()}`);
    await file.verify();
    if (settings.verify === 'archive') {
      await ready.database.readArchive(file.path, signal);
      log.warn(
        'verify is archive: the dump was read from end to end but not restored, so the restore is not proved',
      );
      return { fact: 'length, digest and archive read from end to end; not restored', value: null };
    }
    const fallback = await ready.database.restoreBeside(
      {
        name: given.fallbackName,
        run: context.run.id,
        dumpPath: file.path,
        expected: dumped.details.fingerprint,
        expectedSchemaText: dumped.details.schemaText,
        properties: ready.facts.properties,
        jobs: settings.jobs,
        signal,
      },
      log,
    );
    const proof = proofOf(fallback);
    context.report.proof(proof);
    return { fact: proofFact(proof, 'the snapshot'), value: fallback };
  });
}
