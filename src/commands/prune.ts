import type { RunLock } from '../database/database.ts';
import type { Result } from '../report/report.ts';
import type { PhaseLog } from '../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../system/errors.ts';
import { namedBy, prune } from './making/prune-backups.ts';
import type { CommandContext } from './shared/context.ts';
import { openStorages } from './shared/open-storages.ts';
import { serverNow } from './shared/server-clock.ts';
import { systemIdentifierOf } from './shared/server-origin.ts';
import type { PruneSettings } from './shared/settings.ts';
import { takeLock } from './shared/take-lock.ts';

/**
 * Applies retention on its own. The target need not be there; its server is asked which backups are its own and whether an
 * unfinished run needs one, and while it does not answer nothing goes.
 */
export async function pruneCommand(context: CommandContext, settings: PruneSettings): Promise<Result> {
  const { log } = context;
  const found = await log.phase('preflight', async (phaseLog) => {
    const url =
      settings.databaseUrl ?? (await context.ports.openMigrator(settings, context.run, context.signal)).url;
    const address = context.ports.addressOf(url, settings.workingDirectory);
    log.headline(
      `${settings.dryRun ? 'what pruning would do to' : 'pruning'} the backups of ${address.database}`,
    );
    const server = await askServer(context, settings, url, phaseLog);
    return {
      fact: server === null ? 'the server does not answer' : 'the server was asked for unfinished runs',
      value: { database: address.database, server },
    };
  });
  await using _ = found.server;
  await log.phase('prune', (phaseLog) =>
    prune(context, phaseLog, {
      storages: openStorages(context, { ...settings, encryption: null }),
      database: found.database,
      systemIdentifier: found.server?.systemIdentifier ?? null,
      // Without a server nothing goes, so this one only says how old they are.
      now: found.server?.now ?? new Date(),
      settings,
      mayBeNeeded: found.server === null ? serverIsSilent : namedBy(found.server.backupId),
    }),
  );
  return 'pruned';
}

function serverIsSilent(): string {
  return 'the server could not be asked whether an unfinished run needs it';
}

interface AskedServer {
  /** The backup that an open journal names. */
  readonly backupId: string | null;
  readonly systemIdentifier: string | null;
  readonly now: Date;
}

/** What the server says, while the run's lock is held; null when the server does not answer. */
async function askServer(
  context: CommandContext,
  settings: PruneSettings,
  url: NonNullable<PruneSettings['databaseUrl']>,
  log: PhaseLog,
): Promise<(AsyncDisposable & AskedServer) | null> {
  await using opened = new AsyncDisposableStack();
  try {
    const database = opened.use(await context.ports.openDatabase(url, settings, { evenWithoutTarget: true }));
    context.report.target({ ...database.address, serverVersion: database.server.text });
    let lock: RunLock | null = null;
    if (!settings.dryRun) {
      lock = opened.use(await takeLock(context, database));
    }
    await lock?.assertHeld();
    const backupId = (await database.openJournal())?.backupId ?? null;
    const systemIdentifier = await systemIdentifierOf(database);
    const now = await serverNow(database, (line) => log.warn(line));
    const kept = opened.move();
    return { backupId, systemIdentifier, now, [Symbol.asyncDispose]: () => kept.disposeAsync() };
  } catch (error) {
    // Whoever holds the lock may be reading the very backup that is to go.
    if (error instanceof SafeMigrateError && error.code === 'SM_LOCKED') throw error;
    log.warn(
      `all backups stay, because the server does not tell whether a run is unfinished: ${messageOf(error)}`,
    );
    return null;
  }
}
