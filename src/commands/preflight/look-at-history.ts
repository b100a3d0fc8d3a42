import type { TargetPort } from '../../database/database.ts';
import { tablesWithoutHistory } from '../../prisma/baseline.ts';
import { readHistory } from '../../prisma/history.ts';
import type { HistoryRow, Migrator } from '../../prisma/migrator.ts';
import { type MigrationPlan, planMigrations } from '../../prisma/plan.ts';

interface HistoryLook extends MigrationPlan {
  /** Rows of `_prisma_migrations`; null when there is no such table. */
  readonly history: readonly HistoryRow[] | null;
}

/** History and pending migrations of the target now, and what forbids to go on from there. */
export async function lookAtHistory(database: TargetPort, migrator: Migrator | null): Promise<HistoryLook> {
  if (migrator === null) return { history: null, pending: [], problems: [], warnings: [] };
  const history = await readHistory(database, migrator.historySchema);
  const plan = planMigrations(migrator.migrations, history, {
    unmanaged:
      history === null
        ? await tablesWithoutHistory(database, migrator.historySchema, migrator.ownTables)
        : [],
  });
  return { history, ...plan };
}
