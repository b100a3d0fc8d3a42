import { z } from 'zod';
import type { TargetPort } from '../../database/database.ts';
import type { Migrator } from '../../prisma/migrator.ts';
import { pendingWays } from '../../recovery/pending-ways.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import type { CommandContext } from '../shared/context.ts';
import type { MigrateSettings } from '../shared/settings.ts';

/** Says of each pending script which way back it leaves open. The parser is loaded by then. */
export async function tellPendingWays(
  context: CommandContext,
  settings: MigrateSettings,
  given: { readonly database: TargetPort; readonly migrator: Migrator; readonly pending: readonly string[] },
  log: PhaseLog,
): Promise<void> {
  const [found] = await given.database.query(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D') AS "eventTriggers"`,
    z.object({ eventTriggers: z.boolean() }),
  );
  const ways = pendingWays(given.migrator, given.pending, {
    eventTriggers: found?.eventTriggers ?? true,
    recovery: settings.recovery,
  });
  context.report.pendingWays(ways);
  for (const { migration, way, because } of ways)
    log.detail(`way back from ${migration}: ${way}; ${because}`);
}
