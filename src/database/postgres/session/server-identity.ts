import { z } from 'zod';
import type { ServerIdentity } from '../../scratch-server.ts';
import type { SqlSession } from '../server/server.ts';

const identityRow = z.object({ systemIdentifier: z.string() });

/** May be asked by every role. */
export async function readServerIdentity(session: Pick<SqlSession, 'query'>): Promise<ServerIdentity> {
  const [row] = await session.query(
    'SELECT system_identifier::text AS "systemIdentifier" FROM pg_catalog.pg_control_system()',
    identityRow,
  );
  if (row === undefined) throw new TypeError('pg_control_system() returned no row');
  return row;
}
