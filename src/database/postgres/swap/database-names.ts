import { z } from 'zod';
import type { SqlSession } from '../server/server.ts';

const nameRow = z.object({ name: z.string(), oid: z.number(), isOpen: z.boolean(), owner: z.string() });

/** All databases of the server by name. */
export async function readNames(session: SqlSession): Promise<ReadonlyMap<string, z.infer<typeof nameRow>>> {
  const rows = await session.query(
    `SELECT datname::text AS "name", oid::bigint AS "oid", datallowconn AS "isOpen",
            pg_catalog.pg_get_userbyid(datdba)::text AS "owner" FROM pg_catalog.pg_database`,
    nameRow,
  );
  return new Map(rows.map((row) => [row.name, row]));
}
