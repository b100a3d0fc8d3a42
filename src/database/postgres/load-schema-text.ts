import { pipeline } from 'node:stream/promises';
import type { PostgresServer } from './server.ts';

/**
 * Runs a schema-only dump in a database that this run made. Statements that fail (a role that this server does not
 * have, a setting of a newer one) are passed over: the result is only compared, and what is missing shows there.
 */
export async function loadSchemaText(
  server: PostgresServer,
  database: string,
  schemaText: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=0', '--file=-'];
  const process = server.tools.start('psql', args, { database, stdin: 'pipe', signal });
  if (process.stdin === null) throw new TypeError('psql was started without stdin');
  process.stdout.resume();
  const written = pipeline([schemaText], process.stdin).catch(() => {});
  await process.exited;
  await written;
  signal.throwIfAborted();
}
