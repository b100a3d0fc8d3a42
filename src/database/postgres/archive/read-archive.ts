import { SafeMigrateError } from '../../../system/errors.ts';
import type { PostgresServer } from '../server/server.ts';
import { describeToolFailure } from '../server/tool-failure.ts';

/**
 * Lets pg_restore read an archive from its first to its last byte and throw the SQL away. Finds truncation and
 * damaged gzip data; not every flipped bit, zstd has no checksum of its own: the SHA-256 is what guards the bytes
 * (compared before this is called). Rejects with SM_DUMP_DAMAGED, or with the signal's reason.
 */
export async function readArchive(
  server: PostgresServer,
  dumpPath: string,
  signal: AbortSignal,
): Promise<void> {
  const exit = await server.tools.readArchive({
    archivePath: dumpPath,
    args: ['--file=/dev/null'],
    database: null,
    entries: null,
    jobs: 1,
    signal,
  });
  signal.throwIfAborted();
  if (exit.exitCode === 0) return;
  throw new SafeMigrateError({
    code: 'SM_DUMP_DAMAGED',
    message: `The dump cannot be read to its end: ${describeToolFailure('pg_restore', exit).message}`,
    hint: "Check the disk of the machine that runs the job, then run again; the server's data is not at fault.",
    docs: 'postgresql.md',
    phase: 'prove',
  });
}
