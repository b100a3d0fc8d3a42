import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Keys } from '../../backup/encryption/encryption.ts';
import { fetchBackup } from '../../backup/stored/fetch-backup.ts';
import type { OpenedBackup } from '../../backup/stored/open-backup.ts';
import type { RestorableDump } from '../../recovery/journal/baseline.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import type { BackupMaking, RollbackSettings } from '../shared/settings.ts';

/** What opens the backups of this job's storages. A job that encrypts to recipients has no key. */
export function keysOf(settings: BackupMaking | RollbackSettings): Keys {
  if (settings.command === 'rollback') return settings.keys;
  const { encryption } = settings;
  return { passphrase: encryption?.kind === 'passphrase' ? encryption.passphrase : null, identities: [] };
}

/**
 * The dump of a stored backup on this machine, verified as a rollback verifies it, for a recovery that has neither a copy nor
 * the disk of the run that made it. null, with a warning, when it is out of reach. Disposing of it removes the file.
 */
export async function storedDump(
  context: Pick<CommandContext, 'workFolder' | 'signal'>,
  settings: BackupMaking | RollbackSettings,
  backup: OpenedBackup,
  log: PhaseLog,
): Promise<(RestorableDump & AsyncDisposable) | null> {
  await using opened = new AsyncDisposableStack();
  try {
    // A folder of its own: what the run has left may lie under the same name.
    const folder = await mkdtemp(join(context.workFolder, 'fetched-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    const { dumpPath, from } = opened.use(
      await fetchBackup(backup, keysOf(settings), {
        folder,
        signal: context.signal,
        warn: (line) => log.warn(line),
        onProgress: () => {},
      }),
    );
    log.detail(`fetched ${from.url}, because there is no copy of it on the server`);
    const kept = opened.move();
    return {
      path: dumpPath,
      details: backup.details,
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  } catch (error) {
    log.warn(`${backup.listed.id} cannot be fetched: ${messageOf(error)}`);
    return null;
  }
}
