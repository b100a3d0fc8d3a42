import type { DatabaseProperties, Fingerprint } from '../../database.ts';
import { literal } from '../../sql-text.ts';
import { createExtension } from '../archive/restore-extensions.ts';
import { restoreFailed } from '../archive/restore-failed.ts';
import { createCopy } from '../copy/create-copy.ts';
import { dropCopy } from '../copy/drop-copy.ts';
import { matchPublicSchema } from '../schema/public-schema.ts';
import { diffSchemaTexts, readSchemaText } from '../schema/schema-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { fillUnderSettings } from './fill-under-settings.ts';
import { printAsSource } from './print-as-source.ts';

interface SchemaComparison {
  readonly run: string;
  /** The target's text. */
  readonly expected: string;
  /** The restored copy's text. */
  readonly actual: string;
  readonly extensions: Fingerprint['extensions'];
  readonly properties: DatabaseProperties;
  readonly sessionValues: Fingerprint['sessionValues'];
  readonly hasPublicSchema: boolean | undefined;
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
  // Constants are printed as the session's time zone and styles say.
  await fillUnderSettings(server, admin, scratch.name, {
    settings: comparison.properties.settings,
    values: comparison.sessionValues,
  });
  await matchPublicSchema(server, admin, scratch.name, comparison.hasPublicSchema);
  await loadSchema(server, scratch.name, comparison);
  await printAsSource(admin, scratch.name, comparison.properties.settings);
  const again = await readSchemaText(server, { database: scratch.name }, comparison.signal);
  await dropCopy(admin, target, scratch.name, comparison.properties.owner);
  return diffSchemaTexts(again, comparison.actual);
}

/**
 * Runs the text piece by piece, each as a string that only the server reads: the text of a stored backup comes from
 * outside, and psql would run what stands behind a backslash on this machine.
 */
async function loadSchema(
  server: PostgresServer,
  database: string,
  comparison: SchemaComparison,
): Promise<void> {
  comparison.signal.throwIfAborted();
  await using session = await server.connect(database);
  const end = (): void => session.kill();
  comparison.signal.addEventListener('abort', end, { once: true });
  let object: string | null = null;
  try {
    for (const piece of restorableText(comparison).split(/^(?=--\n-- Name: )/m)) {
      object = /^-- Name: (.*?); Type: [^;]*;/m.exec(piece)?.[1] ?? null;
      await session.execute(`DO ${literal(`BEGIN EXECUTE ${literal(piece)}; END`)}`);
    }
  } catch (error) {
    comparison.signal.throwIfAborted();
    if (!(error instanceof SqlError)) throw error;
    throw restoreFailed('the schema cannot be restored', { message: error.primaryMessage, object });
  } finally {
    comparison.signal.removeEventListener('abort', end);
  }
}

/**
 * The schema text as it can be restored by an ordinary role: extensions in the target's versions, without their
 * comments; without a setting that servers before 17 do not know, and without what only psql understands.
 */
function restorableText({ expected, extensions }: SchemaComparison): string {
  return expected
    .replaceAll(/^SET transaction_timeout = 0;$/gm, '')
    .replaceAll(/^\\(un)?restrict \S+$/gm, '')
    .replaceAll(/^COMMENT ON EXTENSION .* IS '(?:[^']|'')*';$/gm, '')
    .replaceAll(/^CREATE EXTENSION IF NOT EXISTS (\S+) WITH SCHEMA .*;$/gm, (statement, quoted: string) => {
      const name = quoted.startsWith('"') ? quoted.slice(1, -1).replaceAll('""', '"') : quoted;
      const extension = extensions.find((other) => other.name === name);
      return extension === undefined ? statement : `${createExtension(extension)};`;
    });
}
