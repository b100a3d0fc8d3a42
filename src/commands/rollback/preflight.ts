import type { OpenedBackup } from '../../backup/stored/open-backup.ts';
import type { ListedBackup } from '../../backup/stored/stored-backups.ts';
import type {
  ContentsPort,
  CopiesPort,
  ExchangePort,
  LockPort,
  RunLock,
  TargetPort,
} from '../../database/database.ts';
import { readHistory } from '../../prisma/history.ts';
import type { HistoryRow } from '../../prisma/migrator.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf, type Problem, SafeMigrateError } from '../../system/errors.ts';
import { finishEarlier } from '../earlier-run/earlier-run.ts';
import { ProblemList } from '../preflight/problem-list.ts';
import type { CommandContext } from '../shared/context.ts';
import { openStorages } from '../shared/open-storages.ts';
import type { RollbackSettings } from '../shared/settings.ts';
import { takeLock } from '../shared/take-lock.ts';
import { findStored, storedRecord } from '../stored/find-stored.ts';

/** Everything a rollback needs to begin, looked at and found fit. */
export interface RollbackReady extends AsyncDisposable {
  readonly database: TargetPort & ContentsPort & CopiesPort & ExchangePort & LockPort;
  /** null for a dry run, which leaves no trace on the server. */
  readonly lock: RunLock | null;
  readonly backup: ListedBackup;
  /** What it must look like when restored; null for a dry run without the key for it. */
  readonly opened: OpenedBackup | null;
  /** null: there is no target. */
  readonly targetOid: number | null;
  /** Rows of the target's `_prisma_migrations`; null when it cannot be read. */
  readonly history: readonly HistoryRow[] | null;
}

/**
 * Looks at server, target and backup before anything is touched and refuses with all reasons at once. The target may
 * be missing, closed or broken; Prisma is needed only where no input names the database.
 */
export async function preflightRollback(
  context: CommandContext,
  settings: RollbackSettings,
  log: PhaseLog,
): Promise<RollbackReady> {
  const problems = new ProblemList();
  const url =
    settings.databaseUrl ?? (await context.ports.openMigrator(settings, context.run, context.signal)).url;
  const database = await context.ports.openDatabase(url, settings, {
    evenWithoutTarget: true,
  });
  let lock: RunLock | null = null;
  try {
    const { address, server } = database;
    context.report.target({ ...address, serverVersion: server.text });
    for (const warning of database.toolsWarnings) log.warn(warning);
    if (!settings.dryRun && settings.confirm !== address.database)
      problems.add([notConfirmed(address.database)]);

    const storages = openStorages(context, settings);
    // Before anything is looked at: it may put another database in the target's place.
    if (settings.dryRun || settings.confirm === address.database) {
      lock = await finishEarlier(context, settings, { database, migrator: null, storages }, log);
    }
    const found = await problems.attempt(() => findStored(context, storages, database, settings, log));
    if (found !== null) {
      const { backup } = found;
      context.report.backup(storedRecord(backup, backup.manifest.proof.proved ? 'true' : 'false'));
      if (backup.manifest.server.major > server.major) problems.add([olderServer(backup, database)]);
    }
    const targetOid = await database.oidOf(address.database);
    await lookAtTarget(database, settings, problems, log);
    context.report.kept(await database.failedDatabases());
    if (!problems.isEmpty || found === null) return problems.refuse();

    const history = await historyOf(database, found.opened, log);
    if (!settings.dryRun) {
      lock ??= await takeLock(context, database);
    }
    const held = lock;
    return {
      database,
      lock: held,
      ...found,
      targetOid,
      history,
      async [Symbol.asyncDispose]() {
        await held?.[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await lock?.[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/** What stands against renaming it. What would only disturb a backup or a copy of it is no matter here. */
async function lookAtTarget(
  database: TargetPort,
  { beforeMigrate }: Pick<RollbackSettings, 'beforeMigrate'>,
  problems: ProblemList,
  log: PhaseLog,
): Promise<void> {
  const { unreachable } = database;
  if (unreachable !== null) {
    log.warn(
      unreachable.isMissing
        ? `there is no database ${database.address.database}; the backup will take its name`
        : `the target cannot be connected to, so it was not looked at: ${unreachable.because}`,
    );
    return;
  }
  try {
    const facts = await database.inspect();
    log.detail(`the target has ${formatBytes(facts.sizeBytes)} and ${facts.tableCount} tables now`);
    for (const obstacle of facts.obstacles) {
      const { closes, code, ofCopy, isDoubt, message } = obstacle;
      if (closes === 'all' || !closes.includes('swap') || ofCopy === true || isDoubt === true) continue;
      // That is what before-migrate is for; the swap itself looks again.
      if (code === 'SM_FOREIGN_SESSIONS' && beforeMigrate !== null) log.warn(message);
      else problems.add([obstacle]);
    }
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    log.warn(`the target cannot be looked at: ${messageOf(error)}`);
  }
}

async function historyOf(
  database: TargetPort,
  opened: OpenedBackup | null,
  log: PhaseLog,
): Promise<readonly HistoryRow[] | null> {
  const prisma = opened?.details.prisma ?? null;
  if (database.unreachable !== null || prisma === null) return null;
  try {
    return (await readHistory(database, prisma.historySchema)) ?? [];
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    log.warn(`the migration history of the target cannot be read: ${messageOf(error)}`);
    return null;
  }
}

function notConfirmed(database: string): Problem {
  return {
    code: 'SM_NOT_CONFIRMED',
    message: `confirm is not the name of the database that would be replaced, ${database}`,
    hint: `Look at what \`dry-run: true\` says, then give \`confirm: ${database}\`.`,
    docs: 'rollback.md',
  };
}

function olderServer({ id, manifest }: ListedBackup, database: TargetPort): Problem {
  return {
    code: 'SM_BACKUP_NEWER',
    message: `${id} comes from PostgreSQL ${manifest.server.version}, and the server is ${database.server.text}: a dump is not restored into an older major version`,
    hint: `Roll back on a server of PostgreSQL ${manifest.server.major} or later.`,
    docs: 'postgresql.md',
  };
}
