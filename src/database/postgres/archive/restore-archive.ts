import { SafeMigrateError } from '../../../system/errors.ts';
import type { Fingerprint } from '../../database.ts';
import { isPublicSchemaEntry } from '../schema/public-owner.ts';
import type { PostgresServer, ToolExit } from '../server/server.ts';
import { describeToolFailure } from '../server/tool-failure.ts';
import { readArchiveEntries } from './archive-entries.ts';
import { foreignCode } from './foreign-code.ts';
import { restoreExtensions } from './restore-extensions.ts';
import { restoreFailed } from './restore-failed.ts';

interface ArchiveRestore {
  /** The empty database to restore into. */
  readonly database: string;
  /** A custom-format archive whose SHA-256 has been verified: a crafted one could run code in pg_restore. */
  readonly dumpPath: string;
  readonly extensions: Fingerprint['extensions'];
  /** `public` keeps the owner that it has in a new database. */
  readonly leavesPublicOwner: boolean;
  /** Parallel jobs of pg_restore. */
  readonly jobs: number;
  readonly signal: AbortSignal;
}

/**
 * Restores an archive into an empty database: schemas, extensions with their versions, text search, definitions, then the
 * rest with parallel jobs. Rejects with SM_FOREIGN_CODE when rows would run somebody else's code, and with SM_RESTORE_FAILED,
 * naming the object; leaves what was restored so far behind.
 */
export async function restoreArchive(server: PostgresServer, restore: ArchiveRestore): Promise<void> {
  const entries = await readArchiveEntries(server, restore.dumpPath, restore.signal);
  const schemas = restore.leavesPublicOwner
    ? entries.schemas.filter((line) => !isPublicSchemaEntry(line))
    : entries.schemas;
  await restoreEntries(server, restore, schemas, 1);
  await restoreExtensions(server, restore.database, restore.extensions);
  restore.signal.throwIfAborted();
  await restoreEntries(server, restore, entries.textSearch, 1);
  await restoreEntries(server, restore, entries.definitions, 1);
  await refuseForeignCode(server, restore.database);
  restore.signal.throwIfAborted();
  await restoreEntries(server, restore, entries.rest, restore.jobs);
}

/** The last moment before rows are loaded: only then are checks and generated columns computed, by whoever loads them. */
async function refuseForeignCode(server: PostgresServer, copy: string): Promise<void> {
  await using session = await server.connect(copy);
  const code = await foreignCode(session);
  if (code === null) return;
  throw new SafeMigrateError({
    code: code.code,
    message: code.message,
    hint: code.hint,
    docs: 'security.md',
    phase: 'prove',
  });
}

async function restoreEntries(
  server: PostgresServer,
  restore: ArchiveRestore,
  entries: readonly string[],
  jobs: number,
): Promise<void> {
  if (entries.length === 0) return;
  const args = ['--no-subscriptions'];
  if (!sendsUnknownSetting(server)) args.push('--exit-on-error');
  const exit = await server.tools.readArchive({
    archivePath: restore.dumpPath,
    args,
    database: restore.database,
    entries,
    jobs,
    signal: restore.signal,
  });
  restore.signal.throwIfAborted();
  if (exit.exitCode === 0) return;
  const failure = sendsUnknownSetting(server) ? withoutUnknownSetting(exit) : exit;
  if (failure !== null) {
    throw restoreFailed('the dump cannot be restored', describeToolFailure('pg_restore', failure));
  }
}

/** From 17 on pg_restore sets transaction_timeout, which older servers do not know; then it may not stop at errors. */
function sendsUnknownSetting(server: PostgresServer): boolean {
  return server.tools.version.major >= 17 && server.version.major < 17;
}

/** How much of stderr is kept: a full tail may have lost an error of another kind. */
const stderrTailBytes = 64 * 1024;

/** What is left to complain about; null when the unknown setting was all. */
function withoutUnknownSetting(exit: ToolExit): ToolExit | null {
  const lines = exit.stderr.split('\n').filter((line) => !line.includes('transaction_timeout'));
  const hasOtherErrors = lines.some((line) => line.startsWith('pg_restore: error: '));
  const isWhole = Buffer.byteLength(exit.stderr) < stderrTailBytes;
  const onlyIgnored = exit.exitCode === 1 && lines.some((line) => line.includes('errors ignored on restore'));
  return onlyIgnored && isWhole && !hasOtherErrors ? null : { ...exit, stderr: lines.join('\n') };
}
