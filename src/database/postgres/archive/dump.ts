import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { PostgresServer, ToolExit } from '../server/server.ts';
import { describeToolFailure } from '../server/tool-failure.ts';
import { readingSession } from '../session/reading-sessions.ts';

/**
 * zstd at its lowest level is several times faster than any gzip level; it exists from 16 on, in builds that have it.
 * gzip 1 is twice as fast as pg_dump's default for a few per cent more bytes.
 */
const fastCompression = '--compress=zstd:1';
const plainCompression = '--compress=1';

/** An exported snapshot. */
interface DumpSource {
  readonly database: string;
  readonly snapshotId: string;
  /** Of the database: otherwise a `client_encoding` that the database or the role sets would be the archive's. */
  readonly encoding: string;
}

/**
 * Streams `pg_dump -Fc` of an exported snapshot into `sink`. A pipe ends when pg_dump ends, for whatever reason:
 * so `sink` is ended only after exit code 0, and destroyed with the error in every other case.
 * Rejects with SM_DUMP_FAILED (pg_dump's own error; the object where it names one) or the signal's reason.
 */
export async function dumpSnapshot(
  server: PostgresServer,
  source: DumpSource,
  sink: Writable,
  signal: AbortSignal,
): Promise<void> {
  // The sink's owner hears of the failure by its own means; without a listener here it would end the process.
  sink.on('error', () => {});
  try {
    signal.throwIfAborted();
    const mayHaveZstd = server.tools.version.major >= 16;
    let attempt = await runDump(
      server,
      source,
      mayHaveZstd ? fastCompression : plainCompression,
      sink,
      signal,
    );
    if (mayHaveZstd && lacksZstd(attempt))
      attempt = await runDump(server, source, plainCompression, sink, signal);
    if (attempt.exit.exitCode !== 0) throw dumpFailed(attempt.exit);
    sink.end();
    await finished(sink, { readable: false });
  } catch (error) {
    const reason = signal.aborted ? signal.reason : sinkError(sink, error);
    sink.destroy(reason instanceof Error ? reason : new Error(String(reason)));
    throw reason;
  }
}

interface Attempt {
  readonly exit: ToolExit;
  readonly writtenBytes: number;
}

async function runDump(
  server: PostgresServer,
  source: DumpSource,
  compression: string,
  sink: Writable,
  signal: AbortSignal,
): Promise<Attempt> {
  const args = [
    '--format=custom',
    compression,
    `--snapshot=${source.snapshotId}`,
    `--encoding=${source.encoding}`,
  ];
  const process = server.tools.start('pg_dump', args, {
    database: source.database,
    env: { PGAPPNAME: readingSession.dump },
    signal,
  });
  let writtenBytes = 0;
  process.stdout.on('data', (chunk: Buffer) => {
    writtenBytes += chunk.length;
  });
  try {
    await pipeline(process.stdout, sink, { end: false, signal });
  } catch (error) {
    // Nobody takes its output any more; pg_dump would wait for ever.
    process.kill();
    await process.exited;
    throw error;
  }
  return { exit: await process.exited, writtenBytes };
}

/** A client that was built without zstd says so before it connects or writes anything. */
function lacksZstd(attempt: Attempt): boolean {
  const { exit, writtenBytes } = attempt;
  return exit.exitCode !== 0 && writtenBytes === 0 && /does not support compression/i.test(exit.stderr);
}

function dumpFailed(exit: ToolExit): SafeMigrateError {
  const { message, object } = describeToolFailure('pg_dump', exit);
  return new SafeMigrateError({
    code: 'SM_DUMP_FAILED',
    message: `pg_dump failed${object === null ? '' : ` at ${object}`}: ${message}`,
    hint: 'The role of database-url must be able to read every object of the database.',
    docs: 'postgresql.md',
    phase: 'dump',
  });
}

/** What the sink's owner destroyed it with (disk full, upload refused) tells more than the broken pipe. */
function sinkError(sink: Writable, error: unknown): unknown {
  const cause = sink.errored ?? error;
  if (cause instanceof SafeMigrateError) return cause;
  return new SafeMigrateError({
    code: 'SM_DUMP_FAILED',
    message: `the dump could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: 'Check the free space of the disk that holds the dump, and the storages that take it.',
    docs: 'storage.md',
    phase: 'dump',
    cause,
  });
}
