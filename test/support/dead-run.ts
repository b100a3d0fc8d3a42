import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { World } from './world.ts';

const run = promisify(execFile);

/** Resolves when `condition`, asked of the server as the superuser, is true. */
export async function until(world: World, condition: string, timeoutMs = 150_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while ((await world.cluster.psql('postgres', `SELECT ${condition}`)) !== 't') {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
    await sleep(50);
  }
}

/** Whether a session in the target is at work on something that looks like `query`. */
export const isAtWork = (world: World, query: string): string =>
  `EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${world.database}' AND state = 'active' AND query ~ '${query}')`;

/** The journal as it stands in the comment of the coordination database; null when nothing is open. */
export async function journalOf(world: World): Promise<Record<string, unknown> | null> {
  const comment = await world.cluster.psql(
    'postgres',
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${world.database}__safe_migrate'`,
  );
  if (comment === '') return null;
  return JSON.parse(comment.slice('safe-migrate '.length)).journal ?? null;
}

/** Sets the time of the journal back, as if the run had died that long ago. */
export async function ageJournal(world: World, interval: string): Promise<void> {
  const name = `${world.database}__safe_migrate`;
  await world.cluster.psql(
    'postgres',
    `DO $$ DECLARE old text := (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${name}');
      BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', '${name}',
        regexp_replace(old, '"at":"[^"]*"',
          '"at":"' || to_char((now() - interval '${interval}') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"')); END $$`,
  );
}

/** Keeps a copy from being dropped or changed until disposed of. */
export async function holdDatabase(world: World, name: string): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString: world.cluster.url() });
  // The server may be stopped meanwhile.
  client.on('error', () => {});
  await client.connect();
  await client.query(`BEGIN; ALTER DATABASE "${name}" CONNECTION LIMIT 5`);
  return { [Symbol.asyncDispose]: () => client.end() };
}

/** What a person does who pastes commands into a shell that reaches the server as the target's owner. */
export async function paste(
  world: World,
  commands: readonly string[],
  folder = world.folder,
): Promise<string> {
  const url = new URL(world.url);
  const { stdout, stderr } = await run('bash', ['-e', '-c', commands.join('\n')], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      PGHOST: url.hostname,
      PGPORT: url.port,
      PGUSER: decodeURIComponent(url.username),
      PGPASSWORD: decodeURIComponent(url.password),
    },
  });
  return stdout + stderr;
}
