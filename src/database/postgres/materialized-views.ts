import { z } from 'zod';
import type { Fingerprint } from '../database.ts';
import type { SqlSession } from './server.ts';
import { isNoMember, isUserSchema } from './table-content.ts';

const viewRow = z.object({ schema: z.string(), name: z.string(), populated: z.boolean() });

/** Materialized views and whether they hold data; their rows are not read, a stale one restores fresh. */
export async function readMaterializedViews(session: SqlSession): Promise<Fingerprint['materializedViews']> {
  return session.query(
    `SELECT n.nspname AS "schema", c.relname AS "name", c.relispopulated AS "populated"
       FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'm' AND ${isUserSchema('n')} AND ${isNoMember('pg_class', 'c')}
      ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`,
    viewRow,
  );
}
