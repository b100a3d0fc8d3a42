import { z } from 'zod';
import type { WriteCounters } from '../../database.ts';
import type { SqlSession } from '../server/server.ts';

const counterRow = z.object({ table: z.string(), counter: z.string() });

/**
 * How many rows each table has seen inserted, updated and deleted, by `schema.table` quoted as needed. Counters lag
 * behind by a second or two while sessions stay open, and a crash of the server sets them to zero: they say where to
 * look, never that there is nothing to see.
 */
export async function readCounters(session: SqlSession): Promise<WriteCounters> {
  // Within a transaction statistics are read once and then kept; without one this does nothing.
  const rows = await session.query(
    `SELECT format('%I.%I', s.schemaname, s.relname) AS "table",
            concat_ws(':', s.n_tup_ins, s.n_tup_upd, s.n_tup_del) AS "counter"
       FROM (SELECT pg_catalog.pg_stat_clear_snapshot()) AS cleared, pg_catalog.pg_stat_user_tables s
      ORDER BY 1`,
    counterRow,
  );
  return Object.fromEntries(rows.map(({ table, counter }) => [table, counter]));
}

/**
 * SQL: how many rows of all tables of a database, its catalogs too, were ever written. Sessions add their part when they end
 * at the latest, so once all have ended an unchanged number proves that nothing was written (PostgreSQL 15 and later).
 */
export function writtenRowsSql(databaseOid: number): string {
  return `(SELECT s.tup_inserted + s.tup_updated + s.tup_deleted
             FROM (SELECT pg_catalog.pg_stat_clear_snapshot()) AS cleared, pg_catalog.pg_stat_database s
            WHERE s.datid = ${databaseOid})`;
}
