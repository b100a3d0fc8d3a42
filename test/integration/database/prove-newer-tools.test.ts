import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { prove, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
let folder: string;

/**
 * The tools of this machine, each wrapped in a script that says it is version 17 and does what 17 does where it matters:
 * pg_dump prints a setting that older servers do not know and was built without zstd; pg_restore sends that
 * setting, goes on after the refusal (without --exit-on-error) and exits 1.
 */
const wrappers: Readonly<Record<string, string>> = {
  pg_dump: `
case "$*" in
  *zstd*) echo 'pg_dump: error: invalid compression specification: this build does not support compression with ZSTD' >&2; exit 1;;
  *--schema-only*) "$real" "$@" | sed 's/^SET lock_timeout = 0;$/SET lock_timeout = 0;\\nSET transaction_timeout = 0;/';;
  *) exec "$real" "$@";;
esac`,
  pg_restore: `
case "$*" in
  *--list*) exec "$real" "$@";;
  *--exit-on-error*) echo 'stopped at SET transaction_timeout' >&2; exit 1;;
esac
echo 'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"' >&2
echo 'Command was: SET transaction_timeout = 0;' >&2
"$real" "$@" || exit 1
echo 'pg_restore: warning: errors ignored on restore: 1' >&2
exit 1`,
  psql: 'exec "$real" "$@"',
};

beforeAll(async () => {
  cluster = await sharedPostgres();
  folder = await mkdtemp(join(tmpdir(), 'safe-migrate-tools-'));
  for (const [tool, body] of Object.entries(wrappers)) {
    const real = join(cluster.info.binDirectory, tool);
    const version = `[ "$1" = --version ] && { echo "${tool} (PostgreSQL) 17.12"; exit 0; }`;
    await writeFile(join(folder, tool), `#!/bin/sh\nreal='${real}'\n${version}\n${body}\n`);
    await chmod(join(folder, tool), 0o755);
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function targetWith(schema: string): Promise<PostgresServer> {
  const { database, user, url } = await cluster.createOwnedDatabase('newer');
  await cluster.psql(database, schema, { user });
  const { target } = parsePostgresUrl(url);
  if (target === null) throw new Error('no target');
  return connectServer(target, { folders: [folder] });
}

describe('tools of a newer major than the server', () => {
  test('a setting that the server does not know does not stop a restore', async () => {
    const server = await targetWith(`
      CREATE EXTENSION citext VERSION '1.5'; COMMENT ON EXTENSION citext IS 'ours; isn''t it';
      CREATE TABLE t (a text CHECK (a IN ('x', 'y')), b citext); INSERT INTO t VALUES ('x', 'B')`);
    expect(server.tools.version.major).toBe(17);
    await using backup = await takeBackup(server);
    expect(backup.schemaText).toContain('transaction_timeout');
    const fallback = await prove(server, backup);
    expect(fallback.fingerprint.tables).toEqual(backup.fingerprint.tables);
  });

  test('any other error still does', async () => {
    const server = await targetWith(`
      CREATE TABLE rates (rate numeric);
      CREATE FUNCTION rate() RETURNS numeric LANGUAGE sql STABLE AS 'SELECT max(rate) FROM rates';
      CREATE MATERIALIZED VIEW best AS SELECT rate();`);
    await using backup = await takeBackup(server);
    await expect(prove(server, backup)).rejects.toMatchObject({
      code: 'SM_RESTORE_FAILED',
      message: expect.stringContaining('relation "rates" does not exist'),
    });
  });
});
