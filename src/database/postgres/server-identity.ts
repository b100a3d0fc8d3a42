import { z } from 'zod';
import type { ServerIdentity } from '../scratch-server.ts';
import type { SqlSession } from './server.ts';

const identityRow = z.object({ systemIdentifier: z.string(), startedAt: z.string() });

/** Both may be asked by every role. A physical copy has the same identifier and another start. */
export async function readServerIdentity(session: Pick<SqlSession, 'query'>): Promise<ServerIdentity> {
  const [row] = await session.query(
    `SELECT system_identifier::text AS "systemIdentifier",
            to_char(pg_catalog.pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "startedAt"
       FROM pg_catalog.pg_control_system()`,
    identityRow,
  );
  if (row === undefined) throw new TypeError('pg_control_system() returned no row');
  return row;
}
