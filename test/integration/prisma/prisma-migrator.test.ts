import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import { tablesWithoutHistory } from '../../../src/prisma/baseline.ts';
import { openPrismaMigrator } from '../../../src/prisma/classic/prisma-migrator.ts';
import { describeFailure } from '../../../src/prisma/failure.ts';
import { readHistory } from '../../../src/prisma/history.ts';
import type { Migrator } from '../../../src/prisma/migrator.ts';
import { judge, planMigrations } from '../../../src/prisma/plan.ts';
import type { PhaseLog } from '../../../src/report/run-log.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import { Secret } from '../../../src/system/secret.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { type EngineMode, prismaEngineEnv } from '../../support/prisma-engine/prisma-engine.ts';
import { createPrismaProject, type PrismaProject } from '../../support/prisma-project.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

const never = new AbortController().signal;
const init =
  'CREATE TABLE "customers" (id int PRIMARY KEY, "name" text);\nINSERT INTO "customers" VALUES (1, \'Ada\');\n';
const halfWay =
  '-- Größe\nCREATE TABLE "parts" (id int);\nUPDATE "customers" SET "name" = \'changed\';\nALTER TABLE "customers" ADD COLUMN "first" text NOT NULL;\n';

interface Ground extends AsyncDisposable {
  readonly cluster: PostgresCluster;
  readonly database: string;
  readonly url: string;
  readonly project: PrismaProject;
  readonly reader: Pick<Database, 'query'>;
  open(given?: { databaseUrl?: string; env?: Record<string, string> }): Promise<Migrator>;
}

async function createGround(
  migrations: Readonly<Record<string, string>>,
  options: { mode?: EngineMode; query?: string; config?: string } = {},
): Promise<Ground> {
  const cluster = await sharedPostgres();
  const { database, url: plainUrl } = await cluster.createOwnedDatabase('migrator');
  const url = options.query === undefined ? plainUrl : `${plainUrl}?${options.query}`;
  const directory = await mkdtemp(join(tmpdir(), 'safe-migrate-project-'));
  const project = await createPrismaProject(directory, {
    migrations,
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  return {
    cluster,
    database,
    url,
    project,
    reader: {
      query: async (sql, row) => {
        const lines = await cluster.psql(database, `SELECT to_json(q) FROM (${sql}) q`);
        return lines.split('\n').flatMap((line) => (line === '' ? [] : row.parse(JSON.parse(line))));
      },
    },
    open: (given = {}) =>
      openPrismaMigrator({
        workingDirectory: directory,
        checkout: new Checkout([directory]),
        schemaPath: null,
        configPath: null,
        databaseUrl: given.databaseUrl === undefined ? null : new Secret(given.databaseUrl),
        run: 'r1',
        signal: never,
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: url,
          ...prismaEngineEnv(options.mode ?? 'by-statement'),
          ...given.env,
        },
      }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

function collectingLog(): PhaseLog & { text(): string } {
  let text = '';
  return {
    detail: () => {},
    warn: () => {},
    progress: () => {},
    output: (piece) => {
      text += piece;
    },
    text: () => text,
  };
}

beforeAll(loadParser);

describe.each(['whole-script', 'by-statement'] as const)('prisma 7, scripts sent %s', (mode) => {
  test('applies what is pending and says so in the history', async () => {
    await using ground = await createGround({ '1_init': init }, { mode });
    const migrator = await ground.open();
    expect(migrator).toMatchObject({ version: '7.10.1', historySchema: 'public', warnings: [] });
    expect(await readHistory(ground.reader, 'public')).toBeNull();
    expect(planMigrations(migrator.migrations, null).pending).toEqual(['1_init']);

    const log = collectingLog();
    const deployed = await migrator.deploy(log, never);
    expect(deployed).toMatchObject({ exitCode: 0, signal: null, errorCode: null });
    expect(log.text()).toBe(deployed.output);
    expect(deployed.output).toContain('All migrations have been successfully applied.');

    const history = await readHistory(ground.reader, 'public');
    expect(history).toMatchObject([
      { migrationName: '1_init', appliedStepsCount: 1, rolledBackAt: null, logs: null },
    ]);
    expect(migrator.migrations[0]?.checksums).toContain(history?.[0]?.checksum);
    expect(judge(null, history, migrator.migrations, ['1_init'], deployed).isComplete).toBe(true);
    expect(planMigrations(migrator.migrations, history)).toEqual({ pending: [], problems: [], warnings: [] });
  });

  test(
    mode === 'by-statement'
      ? 'leaves the first half of a failing script behind'
      : 'leaves nothing of a failing script behind',
    async () => {
      await using ground = await createGround(
        { '1_init': init, '2_half': halfWay, '3_next': 'SELECT 1;' },
        { mode },
      );
      const migrator = await ground.open();
      const deployed = await migrator.deploy(collectingLog(), never);
      expect(deployed).toMatchObject({ exitCode: 1, errorCode: 'P3018' });

      const history = await readHistory(ground.reader, 'public');
      const verdict = judge(null, history, migrator.migrations, ['1_init', '2_half', '3_next'], deployed);
      expect(verdict).toMatchObject({ applied: ['1_init'], untouched: ['3_next'], isComplete: false });
      const [row] = verdict.failed;
      if (row === undefined) throw new Error('no failed row');
      expect(row).toMatchObject({ migrationName: '2_half', finishedAt: null, appliedStepsCount: 0 });

      const left = await ground.cluster.psql(
        ground.database,
        `SELECT to_regclass('parts'), name FROM customers`,
      );
      expect(left).toBe(mode === 'by-statement' ? 'parts|changed' : '|Ada');

      const migration = migrator.migrations.find((file) => file.name === row.migrationName) ?? null;
      expect(await describeFailure({ row, deployed, migration })).toMatchObject({
        migration: '2_half',
        line: 4,
        sqlState: '23502',
        message: 'column "first" of relation "customers" contains null values',
      });
    },
  );

  test('is measured by a script that fails in its second statement', async () => {
    await using ground = await createGround({ '1_init': init }, { mode });
    const migrator = await ground.open();
    const { database, url } = await ground.cluster.createOwnedDatabase('probe');
    const deployed = await migrator.deployProbe(new Secret(url), never);
    expect(deployed.errorCode).toBe('P3018');
    const left = await ground.cluster.psql(
      database,
      `SELECT to_regclass('public.safe_migrate_probe') IS NOT NULL, count(*) FROM _prisma_migrations WHERE finished_at IS NULL`,
    );
    expect(left).toBe(mode === 'by-statement' ? 't|1' : 'f|1');
    expect(await readHistory(ground.reader, 'public')).toBeNull();
  });

  test('marks the line of a statement that cannot be planned', async () => {
    await using ground = await createGround(
      { '1_bad': 'SELECT 1;\n\n-- ü\nSELECT nope\nFROM pg_class;\n' },
      { mode },
    );
    const migrator = await ground.open();
    const deployed = await migrator.deploy(collectingLog(), never);
    const [row] = (await readHistory(ground.reader, 'public')) ?? [];
    if (row === undefined) throw new Error('no row');
    const failure = await describeFailure({ row, deployed, migration: migrator.migrations[0] ?? null });
    expect(failure).toMatchObject({ line: 4, sqlState: '42703', message: 'column "nope" does not exist' });
  });
});

describe('deploy', () => {
  test('shows and keeps no row value', async () => {
    const script = `${init}INSERT INTO "customers" VALUES (2, 'secret\n\nvalue');\nALTER TABLE "customers" ADD CHECK (length("name") < 5);\nINSERT INTO "customers" VALUES (1, 'secret\n\nvalue');`;
    await using ground = await createGround({ '1_bad': script });
    const migrator = await ground.open();
    const log = collectingLog();
    const deployed = await migrator.deploy(log, never);
    expect(deployed.errorCode).toBe('P3018');
    expect(log.text()).not.toMatch(/secret|value'/);
    const [row] = (await readHistory(ground.reader, 'public')) ?? [];
    if (row === undefined) throw new Error('no row');
    expect(JSON.stringify(await describeFailure({ row, deployed, migration: null }))).not.toContain('secret');
  });

  test("leaves the database alone when somebody else holds Prisma's lock", async () => {
    await using ground = await createGround({ '1_init': init });
    const migrator = await ground.open();
    const holder = new pg.Client({ connectionString: ground.url });
    await holder.connect();
    try {
      await holder.query('SELECT pg_advisory_lock(72707369)');
      const deployed = await migrator.deploy(collectingLog(), never);
      expect(deployed).toMatchObject({ exitCode: 1, errorCode: 'P1002' });
      expect((await readHistory(ground.reader, 'public')) ?? []).toEqual([]);
      await expect(holder.query('SELECT 1')).resolves.toBeDefined();
    } finally {
      await holder.end();
    }
  });

  test('can be told from other sessions by its ports, and ends with all its processes when it is aborted', async () => {
    await using ground = await createGround({ '1_long': 'SELECT pg_sleep(60);' });
    const migrator = await ground.open();
    const abort = new AbortController();
    const deploying = migrator.deploy(collectingLog(), abort.signal);
    const session = `SELECT client_port, application_name FROM pg_stat_activity WHERE datname = '${ground.database}' AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`;
    let found = '';
    while (found === '') found = await ground.cluster.psql('postgres', session);
    await sleep(200);
    const startedAt = performance.now();
    abort.abort();
    const deployed = await deploying;
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(deployed.exitCode === 0).toBe(false);
    const [port, applicationName] = found.split('|');
    expect([...deployed.localPorts]).toContain(Number(port));
    expect(applicationName).toBe('safe-migrate migrate r1');
    // The server goes on with the statement: that is for recovery to end.
    await ground.cluster.psql(
      'postgres',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${ground.database}'`,
    );
  });

  test('gives the project no secret of the runner', async () => {
    await using ground = await createGround(
      { '1_init': init },
      {
        config: `import { writeFileSync } from 'node:fs';
writeFileSync(new URL('seen.json', import.meta.url), JSON.stringify(process.env));
export default { schema: 'prisma/schema.prisma', datasource: { url: process.env.DATABASE_URL } };
`,
      },
    );
    const secrets = { INPUT_STORAGE: 'geheim', ACTIONS_RUNTIME_TOKEN: 'geheim', STATE_RUN: 'geheim' };
    const migrator = await ground.open({ env: secrets });
    await migrator.deploy(collectingLog(), never);
    const seen = await readFile(join(ground.project.directory, 'seen.json'), 'utf8');
    expect(seen).toContain('DATABASE_URL');
    expect(seen).not.toContain('geheim');
  });

  test('works in the schema of the URL, whatever its name', async () => {
    await using ground = await createGround({ '1_init': init }, { query: 'schema=Sales%20%26%20Co' });
    const migrator = await ground.open();
    expect(migrator.historySchema).toBe('Sales & Co');
    await migrator.deploy(collectingLog(), never);
    expect(await readHistory(ground.reader, migrator.historySchema)).toMatchObject([
      { migrationName: '1_init' },
    ]);
    expect(await readHistory(ground.reader, 'public')).toBeNull();
  });
});

describe('a database with tables and no history', () => {
  test('needs a baseline, as Prisma says too', async () => {
    await using ground = await createGround({ '1_init': init });
    const migrator = await ground.open();
    const tables = () => tablesWithoutHistory(ground.reader, 'public', migrator.ownTables);
    expect(await tables()).toEqual([]);
    await ground.cluster.psql(ground.database, 'CREATE TABLE public.old (id int)');
    expect(await tables()).toEqual(['public.old']);
    expect(await migrator.deploy(collectingLog(), never)).toMatchObject({ exitCode: 1, errorCode: 'P3005' });
  });
});
