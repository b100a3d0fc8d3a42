import { z } from 'zod';
import type { Fingerprint } from '../../database.ts';
import type { SqlSession } from '../server/server.ts';

const extensionRow = z.object({
  name: z.string(),
  version: z.string(),
  schema: z.string(),
  owner: z.string().nullable(),
});

/** Installed extensions in the order in which they were created, so that each comes after those it requires. */
export async function readExtensions(session: SqlSession): Promise<Fingerprint['extensions']> {
  return session.query(
    `SELECT e.extname AS "name", e.extversion AS "version", n.nspname AS "schema",
            -- initdb's superuser, who owns plpgsql, is called otherwise on every server.
            CASE WHEN e.extowner <> 10 THEN pg_catalog.pg_get_userbyid(e.extowner) END AS "owner"
       FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
      ORDER BY e.oid`,
    extensionRow,
  );
}
