import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresCluster } from '../support/postgres.ts';
import { clientOf, type Empty } from './grammar/build.ts';
import { literal, quoted } from './grammar/names.ts';
import { type Difference, differences, type Picture, readPicture } from './oracle/read.ts';

const run = promisify(execFile);

/** Settings that must be in force while rows and indexes are made; the others come afterwards. */
const changesResults =
  /^(timezone|datestyle|intervalstyle|default_text_search_config|lc_\w+|extra_float_digits|bytea_output|\w+\.\w+)$/i;
/** What the best restore of an ordinary role cannot do without being wrong. */
const harmless =
  /COMMENT ON EXTENSION|must be owner of extension|already exists|errors ignored|unrecognized configuration parameter/;

/**
 * What a restore with PostgreSQL's own tools, as carefully as a person can, leaves different: nothing says that a refusal
 * of the database was wrong. Rejected statements of the restore are differences as well.
 */
export async function restoreByHand(
  cluster: PostgresCluster,
  empty: Empty,
  tools: string,
  before: Picture,
): Promise<readonly Difference[]> {
  const copy = `${empty.database}__by_hand`;
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-by-hand-'));
  const environment = {
    PATH: process.env.PATH ?? '',
    PGHOST: cluster.info.host,
    PGPORT: String(cluster.info.port),
    PGUSER: empty.user,
    PGPASSWORD: empty.password,
    PGCLIENTENCODING: 'UTF8',
    PGOPTIONS: '-c statement_timeout=0 -c default_transaction_read_only=off',
  };
  const tool = (name: string, ...args: string[]) =>
    run(join(tools, name), args, { env: environment, maxBuffer: 64 * 1024 * 1024 });
  const superuser = await clientOf(cluster, empty.database);
  try {
    const { rows: settings } = await superuser.query<{
      role: string | null;
      name: string;
      value: string;
    }>(`SELECT CASE WHEN s.setrole <> 0 THEN s.setrole::regrole::text END AS role, split_part(x, '=', 1) AS name, substr(x, strpos(x, '=') + 1) AS value
      FROM pg_db_role_setting s, unnest(s.setconfig) x WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    const apply = (early: boolean) =>
      settings
        .filter(({ name }) => changesResults.test(name) === early)
        .map(({ role, name, value }) => {
          // Lists are stored as they were given, in quotes of their own where they need them.
          const text =
            name === 'search_path'
              ? value
              : /^datestyle$/i.test(name)
                ? value.split(', ').map(literal).join(', ')
                : literal(value);
          return `ALTER ${role === null ? 'DATABASE' : `ROLE ${role} IN DATABASE`} ${quoted(copy)} SET ${name} = ${text === '' ? "''" : text}`;
        });
    const { rows: extensions } = await superuser.query<{ name: string; schema: string; version: string }>(
      "SELECT quote_ident(extname) AS name, extnamespace::regnamespace::text AS schema, extversion AS version FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY oid",
    );
    await cluster.createDatabase(copy, empty.user);
    for (const sql of apply(true)) await superuser.query(sql);
    const errors: Difference[] = [];
    const owner = await clientOf(cluster, copy, empty.user, empty.password);
    try {
      for (const { name, schema, version } of extensions) {
        await owner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
        await owner
          .query(`CREATE EXTENSION IF NOT EXISTS ${name} SCHEMA ${schema} VERSION ${literal(version)}`)
          .catch(async () => {
            await owner
              .query(`CREATE EXTENSION IF NOT EXISTS ${name}`)
              .catch((error: unknown) => errors.push({ name: `extension ${name}`, how: String(error) }));
          });
      }
    } finally {
      await owner.end();
    }
    const file = join(folder, 'dump');
    await tool('pg_dump', '-Fc', '-f', file, empty.database);
    const { stderr } = await tool('pg_restore', '-d', copy, file).catch((error: { stderr?: string }) => ({
      stderr: error.stderr ?? String(error),
    }));
    errors.push(
      ...stderr
        .split('pg_restore: ')
        .filter((each) => each.startsWith('error:') && !harmless.test(each))
        .map((each) => ({ name: 'restore', how: each.slice(0, 400) })),
    );
    for (const sql of apply(false)) await superuser.query(sql);
    await copyProperties(cluster, empty.database, copy);
    return [...errors, ...differences(before, await readPicture(cluster, copy))];
  } catch (error) {
    return [{ name: 'restore', how: error instanceof Error ? error.message.slice(0, 600) : String(error) }];
  } finally {
    await superuser.end();
    await rm(folder, { recursive: true, force: true });
    await cluster.psql('postgres', `DROP DATABASE IF EXISTS ${quoted(copy)} WITH (FORCE)`);
  }
}

/** A person has them in a script. */
async function copyProperties(cluster: PostgresCluster, from: string, to: string): Promise<void> {
  await cluster.psql(
    'postgres',
    `UPDATE pg_database t SET datacl = f.datacl, datconnlimit = f.datconnlimit FROM pg_database f WHERE f.datname = ${literal(from)} AND t.datname = ${literal(to)};
    DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', ${literal(to)}, (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ${literal(from)})); END $$`,
  );
}
