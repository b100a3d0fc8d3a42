import type { RoutePort, TargetPort } from '../../database/database.ts';
import type { Migrator } from '../../prisma/migrator.ts';
import { proveServer } from '../../prisma/proof/server-proof.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import type { BackupMaking } from '../shared/settings.ts';

/**
 * Whether the migrator and the tools meet in one database. Before anything is read that the plan rests on: a history
 * that looks finished may be another server's.
 */
export async function lookAtServer(
  context: CommandContext,
  settings: BackupMaking,
  database: TargetPort & RoutePort,
  migrator: Migrator,
  log: PhaseLog,
): Promise<void> {
  const warn = (because: string) =>
    log.warn(`it could not be proved that migrations reach the database that is backed up: ${because}`);
  try {
    const proof = await proveServer(database, migrator, context.signal);
    if (proof.outcome === 'proved') log.detail('the migrator was led to the database that is backed up');
    if (proof.outcome === 'not-proved') warn(proof.because);
  } catch (error) {
    // A nightly backup may run where no migration ever does.
    if (settings.command !== 'backup' || !(error instanceof SafeMigrateError)) throw error;
    if (error.code !== 'SM_SERVER_UNPROVED') throw error;
    warn(error.message);
  }
}
