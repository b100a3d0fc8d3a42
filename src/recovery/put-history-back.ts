import type { TargetPort } from '../database/database.ts';
import { literal, qualified } from '../database/sql-text.ts';
import type { HistoryRow } from '../prisma/migrator.ts';

/** Takes the row of a failed migration out of `_prisma_migrations`; a row that is finished by now stays. */
export async function putHistoryBack(database: TargetPort, schema: string, row: HistoryRow): Promise<void> {
  await database.execute(
    `DELETE FROM ${qualified(schema, '_prisma_migrations')} WHERE id = ${literal(row.id)} AND finished_at IS NULL`,
  );
}
