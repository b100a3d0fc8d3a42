import { z } from 'zod';
import type { TargetPort } from '../database/database.ts';
import { literal, qualified } from '../database/sql-text.ts';
import type { HistoryRow } from './migrator.ts';

const row = z
  .object({
    id: z.string(),
    checksum: z.string(),
    migration_name: z.string(),
    started_at: z.string(),
    finished_at: z.string().nullable(),
    rolled_back_at: z.string().nullable(),
    applied_steps_count: z.number(),
    logs: z.string().nullable(),
  })
  .transform(
    (raw): HistoryRow => ({
      id: raw.id,
      checksum: raw.checksum,
      migrationName: raw.migration_name,
      startedAt: raw.started_at,
      finishedAt: raw.finished_at,
      rolledBackAt: raw.rolled_back_at,
      appliedStepsCount: raw.applied_steps_count,
      logs: raw.logs,
    }),
  );

const presence = z.object({ present: z.boolean() });

/**
 * The rows of `_prisma_migrations` in `schema`, in the order in which they were written; null when there is no such
 * table. `logs` is what the engine wrote and may hold row values: show it through failure.ts only.
 */
export async function readHistory(
  database: Pick<TargetPort, 'query'>,
  schema: string,
): Promise<readonly HistoryRow[] | null> {
  if (!(await historyTableExists(database, schema))) return null;
  return database.query(
    `SELECT ${text('id')}, ${text('checksum')}, ${text('migration_name')},
            pg_catalog.format('%s', h.applied_steps_count)::int AS applied_steps_count,
            CASE WHEN NOT h.logs IS NULL THEN pg_catalog.format('%s', h.logs) END AS logs,
            ${iso('started_at')}, ${iso('finished_at')}, ${iso('rolled_back_at')}
       FROM ${historyTable(schema)} AS h ORDER BY ${time('started_at')}, id`,
    row,
  );
}

async function historyTableExists(database: Pick<TargetPort, 'query'>, schema: string): Promise<boolean> {
  const [found] = await database.query(
    `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = ${literal(schema)} AND c.relname = '_prisma_migrations'
                       AND c.relkind IN ('r', 'p')) AS present`,
    presence,
  );
  return found?.present ?? false;
}

function historyTable(schema: string): string {
  return qualified(schema, '_prisma_migrations');
}

/**
 * Columns as their types print them, whatever types they have: casts, and functions that an implicit cast leads to, can be
 * defined by whoever owns the table, and would run with the rights of this run's role.
 */
function text(column: string): string {
  return `pg_catalog.format('%s', h.${column}) AS ${column}`;
}

function time(column: string): string {
  return `nullif(pg_catalog.format('%s', h.${column}), '')::timestamptz`;
}

function iso(column: string): string {
  return `pg_catalog.to_char(${time(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ${column}`;
}
