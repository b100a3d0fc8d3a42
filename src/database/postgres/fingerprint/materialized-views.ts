import { z } from 'zod';
import type { SqlSession } from '../server/server.ts';
import { isUserSchema } from './table-content.ts';

const viewRow = z.object({ schema: z.string(), name: z.string(), populated: z.boolean() });

/** A materialized view, as far as its catalogs tell. */
export type ViewState = z.infer<typeof viewRow>;

/** Materialized views and whether they hold data. */
export async function readMaterializedViews(session: SqlSession): Promise<readonly ViewState[]> {
  return session.query(
    `SELECT n.nspname AS "schema", c.relname AS "name", c.relispopulated AS "populated"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'm' AND ${isUserSchema('n')}
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`,
    viewRow,
  );
}
