import { pipeline } from 'node:stream/promises';
import { SafeMigrateError } from '../../system/errors.ts';
import type { DatabaseProperties, Fingerprint } from '../database.ts';
import { createCopy } from './create-copy.ts';
import { dropCopy } from './drop-copy.ts';
import { commitLazily } from './lazy-commits.ts';
import { matchPublicSchema } from './public-schema.ts';
import { createExtension } from './restore-extensions.ts';
import { restoreFailed } from './restore-failed.ts';
import { diffSchemaTexts, readSchemaText } from './schema-text.ts';
import type { PostgresServer, SqlSession } from './server.ts';
import { describeToolFailure } from './tool-failure.ts';

export interface SchemaComparison {
  readonly run: string;
  /** The target's text. */
  readonly expected: string;
  /** The restored copy's text. */
  readonly actual: string;
  readonly extensions: Fingerprint['extensions'];
  readonly properties: DatabaseProperties;
  readonly signal: AbortSignal;
}

/**
 * The objects in which a restored schema differs from the target's; empty when they are the same schema.
 *
 * Some expressions deparse differently after one restore (CHECK (x IN (…)), partial indexes, views) and not again
 * after that. So when the texts differ, the target's text is restored into a scratch database of this run, and its
 * text is what the copy must have. When this rejects, the scratch database may be left for the caller to drop.
 */
export async function compareSchemas(
  server: PostgresServer,
  admin: SqlSession,
  comparison: SchemaComparison,
): Promise<readonly string[]> {
  if (diffSchemaTexts(comparison.expected, comparison.actual).length === 0) return [];
  const target = server.address.database;
  const mark = { kind: 'scratch', target, run: comparison.run } as const;
  const scratch = await createCopy(admin, server.version, mark, comparison.properties);
  await commitLazily(admin, scratch.name);
  await matchPublicSchema(server, admin, scratch.name);
  await loadSchema(server, scratch.name, comparison);
  const again = await readSchemaText(server, { database: scratch.name }, comparison.signal);
  await dropCopy(admin, target, scratch.name);
  return diffSchemaTexts(again, comparison.actual);
}

async function loadSchema(
  server: PostgresServer,
  database: string,
  comparison: SchemaComparison,
): Promise<void> {
  const args = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--file=-'];
  const process = server.tools.start('psql', args, { database, stdin: 'pipe', signal: comparison.signal });
  if (process.stdin === null) throw new TypeError('psql was started without stdin');
  process.stdout.resume();
  const written = pipeline([restorableText(comparison)], process.stdin).catch((error: unknown) => error);
  const exit = await process.exited;
  comparison.signal.throwIfAborted();
  if (exit.exitCode !== 0)
    throw restoreFailed('the schema cannot be restored', describeToolFailure('psql', exit));
  const writeError = await written;
  if (writeError !== undefined) {
    throw new SafeMigrateError({
      code: 'SM_RESTORE_FAILED',
      message: 'psql ended before it had read the whole schema',
      hint: 'Run again; if it happens twice, please report it with the log of this job.',
      phase: 'prove',
      cause: writeError,
    });
  }
}

/**
 * The schema text as it can be restored by an ordinary role: extensions in the target's versions, without their
 * comments; and without a setting that servers before 17 do not know.
 */
function restorableText({ expected, extensions }: SchemaComparison): string {
  return expected
    .replaceAll(/^SET transaction_timeout = 0;$/gm, '')
    .replaceAll(/^COMMENT ON EXTENSION .* IS '(?:[^']|'')*';$/gm, '')
    .replaceAll(/^CREATE EXTENSION IF NOT EXISTS (\S+) WITH SCHEMA .*;$/gm, (statement, quoted: string) => {
      const name = quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
      const extension = extensions.find((other) => other.name === name);
      return extension === undefined ? statement : `${createExtension(extension)};`;
    });
}
