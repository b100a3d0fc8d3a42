import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';

const schemaRow = z.object({ oid: z.number() });

/**
 * Drops the schema `public` of a fresh copy when the target has none: a dump cannot say that something is missing.
 * Whether it has is known of a stored backup (`hasPublicSchema`); otherwise the target is looked at. `admin` is a session on the server; when it is not in the target, the target is asked by a session of its own.
 * Rejects with SM_RESTORE_FAILED when the role may not (before 15, `public` belongs to the superuser).
 */
export async function matchPublicSchema(
  server: PostgresServer,
  admin: SqlSession,
  copy: string,
  hasPublicSchema?: boolean,
): Promise<void> {
  if (hasPublicSchema ?? (await hasPublic(server, admin))) return;
  await using session = await server.connect(copy);
  try {
    await session.execute('DROP SCHEMA IF EXISTS public');
  } catch (cause) {
    if (!(cause instanceof SqlError)) throw cause;
    throw new SafeMigrateError({
      code: 'SM_RESTORE_FAILED',
      message: `the target has no schema public, and the one of its copy could not be dropped: ${cause.primaryMessage}`,
      hint: 'Create an empty schema public in the target, or let a superuser run the backup.',
      docs: 'postgresql.md',
      phase: 'prove',
      cause,
    });
  }
}

async function hasPublic(server: PostgresServer, admin: SqlSession): Promise<boolean> {
  const question = `SELECT oid::bigint AS "oid" FROM pg_catalog.pg_namespace WHERE nspname = 'public'`;
  if (admin.database === server.address.database) return (await admin.query(question, schemaRow)).length > 0;
  await using session = await server.connect(server.address.database);
  return (await session.query(question, schemaRow)).length > 0;
}
