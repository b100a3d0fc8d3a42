import { pruneStorages } from '../../backup/stored/prune-storage.ts';
import type { AgingBackup } from '../../backup/stored/retention.ts';
import { countOf } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { storedBackupLine } from '../../report/stored-backup-text.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { messageOf } from '../../system/errors.ts';
import type { Ready } from '../preflight/preflight.ts';
import type { CommandContext } from '../shared/context.ts';
import { serverNow } from '../shared/server-clock.ts';
import { systemIdentifierOf } from '../shared/server-origin.ts';
import type { BackupMaking } from '../shared/settings.ts';

/**
 * Phase prune, after a new backup is stored: old ones go. Softly, because the result of the run stands already. When the
 * new one is not proved all stay, and are shown.
 */
export async function pruneAfterBackup(
  context: CommandContext,
  settings: BackupMaking,
  ready: Pick<Ready, 'database' | 'storages'>,
  restoreProved: string,
): Promise<void> {
  const isProved = restoreProved === 'true';
  await context.log.phase('prune', async (log) => {
    try {
      const journal = await ready.database.openJournal();
      return await prune(context, log, {
        storages: ready.storages,
        database: ready.database.address.database,
        systemIdentifier: await systemIdentifierOf(ready.database),
        now: await serverNow(ready.database),
        settings: { retention: settings.retention, dryRun: false },
        mayBeNeeded: isProved ? namedBy(journal?.backupId ?? null) : () => 'the new backup is not proved',
      });
    } catch (error) {
      log.warn(`old backups could not be removed: ${messageOf(error)}`);
      return { fact: 'ended early', value: null };
    }
  });
}

/** A backup that the journal of an unfinished run names stays. */
export function namedBy(backupId: string | null): (backup: AgingBackup) => string | null {
  return ({ id }) => (id === backupId ? 'an unfinished run needs it' : null);
}

/** Decides, removes, and shows all of it: in the phase's group, in the report. */
export async function prune(
  context: CommandContext,
  log: PhaseLog,
  given: {
    readonly storages: readonly Storage[];
    readonly database: string;
    readonly systemIdentifier: string | null;
    /** By the server's clock, where a server is asked. */
    readonly now: Date;
    readonly settings: {
      readonly retention: BackupMaking['retention'];
      readonly dryRun: boolean;
    };
    readonly mayBeNeeded: (backup: AgingBackup) => string | null;
  },
): Promise<{ readonly fact: string; readonly value: null }> {
  const { dryRun, retention } = given.settings;
  const { now } = given;
  const records = await pruneStorages(given.storages, given.database, {
    policy: retention,
    now,
    mayBeNeeded: given.mayBeNeeded,
    systemIdentifier: given.systemIdentifier,
    dryRun,
    signal: context.signal,
    warn: (line) => log.warn(line),
    note: (line) => log.detail(line),
  });
  context.report.storedBackups(records);
  for (const record of records) log.detail(storedBackupLine(record, now));
  const going = records.filter(({ retention: decided }) => decided?.stays === false);
  const kept = countOf(records.length - going.length, 'backup');
  if (dryRun) return { fact: `${kept} would stay, ${going.length} would go`, value: null };
  return {
    fact: `${kept} kept, ${going.filter(({ retention: decided }) => decided?.removed).length} removed`,
    value: null,
  };
}
