import type { CopiesPort, TargetPort } from '../../database/database.ts';
import { formatBytes } from '../../report/quantity.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { CommandContext } from '../shared/context.ts';

/** More of them tell nobody anything. */
const listedForeign = 10;

/** Kept failed databases, copies that earlier runs could not clear away, and what only says that it is one of these. */
export async function lookAtLeftovers(
  context: CommandContext,
  database: TargetPort & CopiesPort,
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
  for (const { name, owner, removal } of (await database.foreignDatabases()).slice(0, listedForeign)) {
    log.warn(
      `${name} bears the name or mark of a database that safe-migrate makes for ${database.address.database}, but belongs to ${owner}, who may not act for its owner: nothing in it is believed, and it is neither used nor dropped. To remove it, as a superuser or as ${owner}: ${removal}`,
    );
  }
}
