import type { TargetPort } from '../../database/database.ts';
import { SafeMigrateError } from '../../system/errors.ts';

/** PostgreSQL's identifier of the cluster; null on a server that keeps it from this role. */
export async function systemIdentifierOf(database: Pick<TargetPort, 'identity'>): Promise<string | null> {
  try {
    return (await database.identity()).systemIdentifier;
  } catch (error) {
    if (error instanceof SafeMigrateError && error.code === 'SM_SQL') return null;
    throw error;
  }
}
