import type { Database } from '../../database/database.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { CommandContext } from '../context.ts';

/** Kept failed databases, and copies that earlier runs could not clear away. */
export async function lookAtLeftovers(
  context: CommandContext,
  database: Database,
  log: PhaseLog,
): Promise<void> {
  const kept = await database.failedDatabases();
  context.report.kept(kept);
  for (const { name, sizeBytes } of kept)
    log.detail(`kept failed database ${name}, ${formatBytes(sizeBytes)}`);
  for (const { name, sizeBytes } of await database.leftoverCopies()) {
    log.warn(
      `an earlier run left the copy ${name} (${formatBytes(sizeBytes)}); it holds nothing that the backup does not hold`,
    );
  }
}
