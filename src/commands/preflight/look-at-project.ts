import type { Migrator } from '../../prisma/migrator.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import type { BackupMaking } from '../shared/settings.ts';

/** Opens the Prisma project; null only for a `backup` that can do without it. */
export async function lookAtProject(
  context: CommandContext,
  settings: BackupMaking,
  log: PhaseLog,
): Promise<Migrator | null> {
  try {
    const migrator = await context.ports.openMigrator(settings, context.run, context.signal);
    for (const warning of migrator.warnings) log.warn(warning);
    context.report.prisma(migrator.version);
    return migrator;
  } catch (error) {
    // A backup needs Prisma only to find the database and to note the applied migrations.
    const dispensable = settings.command === 'backup' && settings.databaseUrl !== null;
    if (!dispensable || !(error instanceof SafeMigrateError) || error.code === 'SM_URL_MISMATCH') throw error;
    log.warn(`the backup will not name the applied migrations: ${error.message}`);
    return null;
  }
}
