import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { restoreArchive } from '../../../src/database/postgres/archive/restore-archive.ts';
import { createCopy } from '../../../src/database/postgres/copy/create-copy.ts';
import { dropCopy } from '../../../src/database/postgres/copy/drop-copy.ts';
import { readProperties } from '../../../src/database/postgres/copy/properties.ts';
import { isWithheld, withheldSettings } from '../../../src/database/postgres/copy/withheld-settings.ts';
import { readExtensions } from '../../../src/database/postgres/fingerprint/extensions.ts';
import { fillUnderSettings } from '../../../src/database/postgres/prove/fill-under-settings.ts';
import { identifier, literal } from '../../../src/database/sql-text.ts';
import { nastySchema } from '../../support/nasty-schema.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { reachWithOlderTools, toolsMajor } from './older-tools.ts';

const { signal } = new AbortController();
const majors = [15, 16, 17, 18];

/** Names of text search configurations are completed; clients say their own name, encoding and level. */
const isValue = (actual: string | null | undefined, wanted: string): boolean =>
  actual === wanted || actual === `pg_catalog.${wanted}` || ['safe-migrate', 'UTF8'].includes(actual ?? '');

/** A dump of a database with everything in it, made where the tools can: on a server of their own major. */
async function makeSource() {
  const home = await sharedPostgres(toolsMajor);
  await home.createRole(user, { attributes: 'SUPERUSER' });
  await home.createRole(reader, { attributes: 'NOSUPERUSER' });
  await home.createDatabase(database, user);
  await home.psql(database, nastySchema(toolsMajor, reader), { user });
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-every-'));
  const dumpPath = join(folder, 'database.dump');
  await home.tool('pg_dump', ['--format=custom', `--file=${dumpPath}`], database);
  await using server = await reachWithOlderTools(home, database, user);
  await using session = await server.connect(database);
  return {
    dumpPath,
    extensions: await readExtensions(session),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const parameter = z.object({
  name: z.string(),
  type: z.string(),
  value: z.string().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  choices: z.array(z.string()).nullable(),
});
type Parameter = z.infer<typeof parameter>;

/** Parameters that are texts, and those whose next value would do nothing or would exclude another one. */
const chosen: Readonly<Record<string, string>> = {
  DateStyle: 'SQL, DMY',
  TimeZone: 'Asia/Tokyo',
  application_name: 'theirs',
  backtrace_functions: 'int4in',
  client_encoding: 'LATIN1',
  client_min_messages: 'error',
  createrole_self_grant: 'set, inherit',
  default_table_access_method: 'heap',
  default_tablespace: 'pg_default',
  default_text_search_config: 'german',
  dynamic_library_path: '$libdir:/nowhere',
  extension_destdir: '/',
  extension_control_path: '$system:/nowhere',
  lc_messages: 'C',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  local_preload_libraries: 'none',
  log_connections: 'on',
  restrict_nonsystem_relation_kind: 'view',
  search_path: 'pg_catalog, public',
  session_preload_libraries: 'none',
  temp_tablespaces: 'pg_default',
  timezone_abbreviations: 'India',
  wal_consistency_checking: 'heap',
  xmloption: 'document',
};
/** ALTER DATABASE refuses these: they are fixed before a session knows its database, or belong to a transaction. */
const noneHas = [
  'ignore_system_indexes',
  'jit_debugging_support',
  'jit_profiling_support',
  'log_connections',
  'log_disconnections',
  'post_auth_delay',
  'transaction_deferrable',
  'transaction_isolation',
];
/** Excluded by others of their kind, which are set. */
const excluded = ['log_statement_stats'];

function otherValue({ name, type, value, min, max, choices }: Parameter): string | null {
  const own = chosen[name];
  if (own !== undefined) return own;
  if (type === 'bool') return value === 'on' ? 'off' : 'on';
  if (type === 'enum') return choices?.find((choice) => choice !== value) ?? null;
  if (type === 'string') throw new Error(`${name} is new and needs a value here`);
  if (min === null || max === null || min === max) return null;
  const next = Number(value) + (type === 'real' && max <= 1 ? 0.1 : 1);
  return String(next <= max ? next : min);
}

const suffix = randomBytes(4).toString('hex');
const [database, user, reader] = [`every_${suffix}`, `every_owner_${suffix}`, `every_reader_${suffix}`];
let source: Awaited<ReturnType<typeof makeSource>>;
beforeAll(async () => {
  source = await makeSource();
  return () => source[Symbol.asyncDispose]();
});

describe.each(majors)('every parameter that a database of PostgreSQL %i can have', (major) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await sharedPostgres(major);
  });

  test('is withheld, or a copy is filled under it', async () => {
    if (major !== toolsMajor) {
      await cluster.createRole(user, { attributes: 'SUPERUSER' });
      await cluster.createRole(reader, { attributes: 'NOSUPERUSER' });
      await cluster.createDatabase(database, user);
    }

    await using server = await reachWithOlderTools(cluster, database, user);
    await using admin = await server.connect(database);
    const parameters = await admin.query(
      `SELECT name, vartype AS "type", reset_val AS "value", min_val::float8 AS "min", max_val::float8 AS "max", enumvals AS "choices"
         FROM pg_settings WHERE context IN ('user', 'superuser', 'superuser-backend', 'backend') ORDER BY name`,
      parameter,
    );
    const refused: string[] = [];
    const set: [string, string][] = [];
    for (const each of parameters) {
      const value = otherValue(each);
      if (value === null || excluded.includes(each.name)) continue;
      const list = each.name === 'search_path' ? value : literal(value);
      try {
        await admin.execute(`ALTER DATABASE ${identifier(database)} SET ${identifier(each.name)} TO ${list}`);
        set.push([each.name, value]);
      } catch {
        refused.push(each.name);
      }
    }
    await admin.execute(`ALTER DATABASE ${identifier(database)} SET "app.tenant" TO 'a = ''b'''`);
    expect(refused.filter((name) => !noneHas.includes(name))).toEqual([]);
    if (major === 18) {
      const known = new Set(parameters.map(({ name }) => name)).add('role').add('session_authorization');
      expect(Object.keys(withheldSettings).filter((name) => !known.has(name))).toEqual([]);
    }

    const mark = { kind: 'fallback', target: database, run: 'every' } as const;
    const properties = await readProperties(admin, database);
    const copy = await createCopy(admin, server.version, mark, properties);
    await using _ = { [Symbol.asyncDispose]: () => dropCopy(admin, database, copy.name) };
    await fillUnderSettings(server, admin, copy.name, { settings: properties.settings, values: undefined });
    await restoreArchive(server, {
      database: copy.name,
      dumpPath: source.dumpPath,
      extensions: source.extensions,
      leavesPublicOwner: false,
      jobs: 2,
      signal,
    });
    await using session = await server.connect(copy.name);
    await session.execute('ANALYZE');
    const inForce = await session.query(
      'SELECT name, reset_val AS "value" FROM pg_settings',
      z.object({ name: z.string(), value: z.string().nullable() }),
    );
    const values = new Map(inForce.map(({ name, value }) => [name, value]));
    const others = set.filter(([name, value]) => !isWithheld(name) && !isValue(values.get(name), value));
    expect(others).toEqual([]);
  });
});
