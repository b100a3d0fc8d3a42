import { createHash, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { parse } from 'libpg-query';
import pg from 'pg';
import type { DeployResult, MigrationFile } from '../../src/prisma/migrator.ts';

/** How a script reaches the server: as one query (Prisma up to 7.3), or each statement by itself (from 7.4). */
export type Mode = 'one-query' | 'by-statement';

const timeLimitMs = 5_000;

export function migrationFile(name: string, script: string): MigrationFile {
  const checksum = createHash('sha256').update(script).digest('hex');
  return { name, path: `/nowhere/${name}/migration.sql`, checksums: [checksum], script };
}

const historyTable = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL, "logs" TEXT, "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`;

/**
 * What Prisma's engine sends, statement for statement, for hundreds of scripts a minute: its lock, a row before each script,
 * the script, and what came of it. (The scripts that go through the bundle meet the real one.)
 */
export async function runMigrations(request: {
  readonly url: string;
  readonly run: string;
  readonly files: readonly MigrationFile[];
  readonly mode: Mode;
  readonly isProbe?: boolean;
  readonly meanwhile?: (client: pg.Client) => Promise<void>;
  readonly cutOff?: boolean;
}): Promise<DeployResult> {
  const client = new pg.Client({
    connectionString: request.url,
    application_name: `safe-migrate migrate ${request.run}`,
  });
  const connection = { isLost: false };
  client.on('error', () => {
    connection.isLost = true;
  });
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  const localPorts = new Set(stream.localPort === undefined ? [] : [stream.localPort]);
  // A script that waits for itself (by another connection) waits for ever; the action has a time limit, too.
  let isKilled = false;
  const limit = setTimeout(() => {
    isKilled = true;
    stream.destroy();
  }, timeLimitMs);
  const ended = (exitCode: number | null, errorCode: string | null, output = ''): DeployResult => ({
    exitCode,
    signal: exitCode === null ? 'SIGKILL' : null,
    output: request.cutOff === true ? '' : output,
    errorCode: request.cutOff === true ? null : errorCode,
    localPorts,
  });
  try {
    await client.query('SELECT pg_advisory_lock(72707369)');
    if (request.isProbe === true)
      await client.query('DROP TABLE IF EXISTS "_prisma_migrations", "safe_migrate_probe"');
    await client.query(historyTable);
    for (const file of request.files) {
      const failure = await applyOne(client, file, request.mode, request);
      if (failure === null) continue;
      if (request.cutOff === true || isKilled) return ended(null, null);
      return connection.isLost || failure.isLost
        ? ended(1, null, 'Error: the connection was closed')
        : ended(1, 'P3018', `Error: P3018\n\nMigration name: ${file.name}\n`);
    }
    return ended(0, null, 'All migrations have been successfully applied.');
  } catch (error) {
    return ended(1, null, `Error: ${String(error)}`);
  } finally {
    clearTimeout(limit);
    await client.end().catch(() => {});
  }
}

async function applyOne(
  client: pg.Client,
  file: MigrationFile,
  mode: Mode,
  { meanwhile }: { readonly meanwhile?: (client: pg.Client) => Promise<void> },
): Promise<{ readonly isLost: boolean } | null> {
  const id = randomUUID();
  await client.query(
    'INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name") VALUES ($1, $2, $3)',
    [id, file.checksums[0], file.name],
  );
  for (const statement of mode === 'by-statement' ? await split(file.script) : [file.script]) {
    try {
      await client.query(statement);
      await meanwhile?.(client);
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string };
      if (!/^[0-9A-Z]{5}$/.test(code) || code.startsWith('57P')) return { isLost: true };
      const logs = `A migration failed to apply.\n\nMigration name: ${file.name}\n\nDatabase error code: ${code}\n\nDatabase error:\nERROR: ${message}\n`;
      await client.query('ROLLBACK');
      await client.query('UPDATE "_prisma_migrations" SET "logs" = $1 WHERE "id" = $2', [logs, id]);
      return { isLost: false };
    }
  }
  await client.query(
    'UPDATE "_prisma_migrations" SET "finished_at" = now(), "applied_steps_count" = 1 WHERE "id" = $1',
    [id],
  );
  return null;
}

/** A script that cannot be read is sent whole. */
async function split(script: string): Promise<readonly string[]> {
  const bytes = Buffer.from(script, 'utf8');
  const parsed = await parse(script).catch(() => null);
  if (parsed === null) return [script];
  return (parsed.stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length = 0 }) =>
    bytes.subarray(start, length === 0 ? undefined : start + length).toString('utf8'),
  );
}
