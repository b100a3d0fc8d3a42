import type { Fingerprint, RunLock } from '../../database/database.ts';
import type { JournalEntry } from '../../database/journal.ts';
import type { DeployResult, HistoryRow, MigrationFile, Migrator } from '../../prisma/migrator.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { RestorableDump } from '../journal/baseline.ts';
import type { Recovery, RecoveryRequest } from '../journal/recovery-request.ts';
import type { RunJournal } from '../journal/run-journal.ts';
import { recover } from '../recover.ts';

/** All that is known of a migrator whose run has died. */
export const unknownDeploy: DeployResult = {
  exitCode: null,
  signal: null,
  output: '',
  errorCode: null,
  localPorts: new Set(),
};

/** The journal's scripts, as far as the project still has them: one that was changed since says nothing about what ran. */
export function scriptsAtHand(
  migrator: Migrator | null,
  { migrations }: Pick<JournalEntry, 'migrations'>,
): readonly MigrationFile[] {
  return (migrator?.migrations ?? []).filter((file) =>
    migrations.some(
      ({ name, checksums }) =>
        name === file.name && file.checksums.some((checksum) => checksums.includes(checksum)),
    ),
  );
}

/** Recovers what another run has left half done, with what its journal and its backup still say. */
export async function recoverUnfinished(
  request: {
    readonly database: RecoveryRequest['database'];
    readonly lock: RunLock;
    readonly journal: RunJournal;
    readonly migrator: Migrator | null;
    /** The history as it was before that run's migration. */
    readonly history: readonly HistoryRow[] | null;
    readonly fingerprint: Fingerprint | null;
    readonly dump: RestorableDump | null;
    readonly settings: { readonly jobs: number };
    readonly mayNotGoBack: string | null;
    readonly tellEvidence: RecoveryRequest['tellEvidence'];
  },
  log: PhaseLog,
): Promise<Recovery> {
  const { database, lock, journal, migrator, settings } = request;
  const { entry } = journal;
  const { baseline } = entry;
  if (baseline === null || entry.targetOid === null)
    throw new TypeError('a run that has not begun to migrate has nothing to recover');
  return recover(
    {
      database,
      lock,
      journal,
      migrator: {
        kind: baseline.migrator,
        historySchema: entry.historySchema,
        migrations: scriptsAtHand(migrator, entry),
        deployProbe: migrator === null ? null : (url, signal) => migrator.deployProbe(url, signal),
      },
      migrationNames: entry.migrations.map(({ name }) => name),
      baseline: {
        history: request.history,
        witness: baseline.witness,
        serverTime: baseline.serverTime,
        roles: null,
        columns: null,
        targetOid: entry.targetOid,
        fingerprint: request.fingerprint,
        fallback: entry.fallback,
        dump: request.dump,
      },
      writesBeforeMigration: baseline.writesBeforeMigration,
      deployed: unknownDeploy,
      // Nobody looked, or whoever did has died.
      prismaLock: { sight: 'unknown', othersSeen: false },
      mayNotGoBack: request.mayNotGoBack,
      tellEvidence: request.tellEvidence,
      properties: { comment: entry.comment },
      run: entry.run,
      settings: { recovery: baseline.recovery, onNewWrites: baseline.onNewWrites, jobs: settings.jobs },
    },
    log,
  );
}
