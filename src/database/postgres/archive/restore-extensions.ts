import { SafeMigrateError } from '../../../system/errors.ts';
import type { Fingerprint, ServerVersion } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { readExtensions } from '../fingerprint/extensions.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { ownerToBecome } from './extension-owners.ts';

/**
 * Gives a fresh database exactly these extensions, in this order, with these versions and schemas. A dump does not
 * carry versions: without this, a restore silently takes the newest one. Rejects with SM_RESTORE_FAILED, naming
 * the extension.
 */
export async function restoreExtensions(
  server: PostgresServer,
  database: string,
  wanted: Fingerprint['extensions'],
): Promise<void> {
  await using session = await server.connect(database);
  const present = await readExtensions(session);
  for (const extension of present) {
    if (!wanted.some((other) => other.name === extension.name)) {
      await run(session, extension.name, `DROP EXTENSION ${identifier(extension.name)}`);
    }
  }
  for (const extension of wanted) {
    const existing = present.find((other) => other.name === extension.name);
    if (existing === undefined) await createAsOwner(session, server.version, extension);
    else if (existing.version !== extension.version) {
      const statement = `ALTER EXTENSION ${identifier(extension.name)} UPDATE TO ${literal(extension.version)}`;
      await run(session, extension.name, statement);
    }
  }
}

/** Creates it as the role that owns it in the target, where that may be had; who owns it in the end is compared later. */
async function createAsOwner(
  session: SqlSession,
  version: ServerVersion,
  extension: Fingerprint['extensions'][number],
): Promise<void> {
  const statement = createExtension(extension);
  const owner = await ownerToBecome(session, version, extension);
  if (owner === null) return run(session, extension.name, statement);
  const right = `CREATE ON DATABASE ${identifier(session.database)}`;
  if (!owner.mayCreate) await session.execute(`GRANT ${right} TO ${identifier(owner.name)}`);
  try {
    await session.execute(`SET ROLE ${identifier(owner.name)}`);
    await session.execute(statement);
  } catch (error) {
    if (!(error instanceof SqlError) || error.sqlState !== insufficientPrivilege) throw error;
    await session.execute('RESET ROLE');
    await run(session, extension.name, statement);
  } finally {
    await session.execute('RESET ROLE');
    if (!owner.mayCreate) await session.execute(`REVOKE ${right} FROM ${identifier(owner.name)}`);
  }
}

/** It was created by a superuser, say, and given away. */
const insufficientPrivilege = '42501';

/** The statement that creates an extension as it is in the target. */
export function createExtension(extension: Fingerprint['extensions'][number]): string {
  const { name, schema, version } = extension;
  return `CREATE EXTENSION IF NOT EXISTS ${identifier(name)} SCHEMA ${identifier(schema)} VERSION ${literal(version)}`;
}

async function run(session: SqlSession, extension: string, statement: string): Promise<void> {
  try {
    await session.execute(statement);
  } catch (cause) {
    if (!(cause instanceof SqlError)) throw cause;
    throw new SafeMigrateError({
      code: 'SM_RESTORE_FAILED',
      message: `the extension ${extension} cannot be restored as it is in the target: ${cause.primaryMessage}`,
      hint:
        'The server must be able to install this version, and the role of database-url must be allowed to. ' +
        'ALTER EXTENSION … UPDATE in the target brings it to a version that can be installed.',
      docs: 'postgresql.md',
      phase: 'prove',
      cause,
    });
  }
}
