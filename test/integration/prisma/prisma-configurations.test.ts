import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPrismaMigrator } from '../../../src/prisma/classic/prisma-migrator.ts';
import type { Migrator } from '../../../src/prisma/migrator.ts';
import type { PhaseLog } from '../../../src/report/run-log.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import { Secret } from '../../../src/system/secret.ts';
import { createPrismaProject, type PrismaProject } from '../../support/prisma-project.ts';

const never = new AbortController().signal;
const silentLog: PhaseLog = { detail: () => {}, warn: () => {}, progress: () => {}, output: () => {} };

/** Nobody listens there: whoever connects fails. */
const url = (database: string) => `postgresql://app:hunter2@127.0.0.1:1/${database}`;

/** A datasource of Prisma up to 6 with these settings. */
const datasource = (...settings: string[]) =>
  ['datasource db {', 'provider = "postgresql"', ...settings, '}', ''].join('\n');

type ProjectOptions = Partial<Parameters<typeof createPrismaProject>[1]>;
interface Given {
  readonly project?: ProjectOptions;
  /** Further files by path; directories are made. */
  readonly files?: Readonly<Record<string, string>>;
  /** Moved after all was made: `from` to `to`. */
  readonly moved?: readonly (readonly [string, string])[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Relative to the project. */
  readonly prismaSchema?: string;
  readonly prismaConfig?: string;
}

type Opened = Migrator & { readonly database: string };

/** The project is there as long as `use` runs. */
async function withProject<T>(given: Given, use: (migrator: Opened) => T | Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'safe-migrate-project-'));
  const path = (name: string | undefined) => (name === undefined ? null : join(directory, name));
  try {
    const project = await createPrismaProject(directory, {
      migrations: { '1_a': 'SELECT 1;' },
      ...given.project,
    });
    await addFiles(project, given);
    const migrator = await openPrismaMigrator({
      workingDirectory: directory,
      checkout: new Checkout([directory]),
      schemaPath: path(given.prismaSchema),
      configPath: path(given.prismaConfig),
      databaseUrl: given.input === undefined ? null : new Secret(given.input),
      run: 'r1',
      signal: never,
      env: { PATH: process.env.PATH, ...given.env },
    });
    return await use({ ...migrator, database: new URL(migrator.url.reveal()).pathname.slice(1) });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const open = (given: Given): Promise<Opened> => withProject(given, (migrator) => migrator);

async function addFiles(project: PrismaProject, given: Given): Promise<void> {
  for (const [name, text] of Object.entries(given.files ?? {})) {
    await mkdir(join(project.directory, name, '..'), { recursive: true });
    await writeFile(join(project.directory, name), text);
  }
  for (const [from, to] of given.moved ?? []) {
    await mkdir(join(project.directory, to, '..'), { recursive: true });
    await rename(join(project.directory, from), join(project.directory, to));
  }
}

const names = (migrator: Migrator) => migrator.migrations.map((file) => file.name);

describe.each(['5', '6'] as const)('Prisma %s', (prisma) => {
  const version = prisma === '5' ? '5.22.0' : '6.19.0';

  test('is asked for its migrations, in their order', async () => {
    const migrations = { '2_b': 'SELECT 2;', '1_a': 'SELECT 1;', '10_c': 'SELECT 3;' };
    const migrator = await open({ project: { prisma, migrations }, env: { DATABASE_URL: url('erp') } });
    expect(migrator).toMatchObject({ version, database: 'erp', historySchema: 'public' });
    // The engine up to 6.5 sorts by bytes, the CLI later on as people of a language do.
    expect(names(migrator)).toEqual(prisma === '5' ? ['10_c', '1_a', '2_b'] : ['1_a', '10_c', '2_b']);
  });

  test('migrates over directUrl where there is one', async () => {
    const schemaPrisma = datasource('url = env("DATABASE_URL")', 'directUrl = env("DIRECT_URL")');
    const env = {
      DATABASE_URL: `${url('pooled')}?pgbouncer=true`,
      DIRECT_URL: `${url('direct')}?schema=sales`,
    };
    const migrator = await open({ project: { prisma, schemaPrisma }, env });
    expect(migrator).toMatchObject({ database: 'direct', historySchema: 'sales' });
  });

  test('takes its URL from .env, beside the project or beside the schema', async () => {
    const dotenv = `DATABASE_URL="${url('dotenv')}"\n`;
    expect((await open({ project: { prisma }, files: { '.env': dotenv } })).database).toBe('dotenv');
    expect((await open({ project: { prisma }, files: { 'prisma/.env': dotenv } })).database).toBe('dotenv');
  });

  test('gets the given URL where only .env has another one', async () => {
    const migrator = await open({
      project: { prisma, schemaPrisma: datasource('url = env("OTHER_URL")') },
      files: { '.env': `OTHER_URL="${url('laptop')}"\n` },
      input: url('erp'),
    });
    expect(migrator.database).toBe('erp');
  });

  test('gets the given URL by whatever variables its schema reads', async () => {
    const schemaPrisma = datasource('url = env("POOLED_URL")', 'directUrl = env("DIRECT_URL")');
    const input = url('erp');
    expect((await open({ project: { prisma, schemaPrisma }, input })).database).toBe('erp');
    const pooled = { POOLED_URL: `${url('erp')}?pgbouncer=true`, DIRECT_URL: '' };
    expect((await open({ project: { prisma, schemaPrisma }, input, env: pooled })).database).toBe('erp');
  });

  test('is refused where a variable of its schema leads elsewhere, by the name of the variable', async () => {
    const schemaPrisma = datasource('url = env("DATABASE_URL")', 'directUrl = env("DIRECT_URL")');
    const given: Given = {
      project: { prisma, schemaPrisma },
      input: url('erp'),
      env: { DIRECT_URL: url('other') },
    };
    await expect(open(given)).rejects.toMatchObject({
      code: 'SM_URL_MISMATCH',
      message: expect.stringContaining('Prisma would migrate 127.0.0.1:1, database other') as string,
      hint: expect.stringContaining('set DIRECT_URL in the env of the step to the same URL') as string,
    });
  });

  test('is refused where its schema holds another URL itself', async () => {
    const schemaPrisma = datasource(`url = "${url('fixed')}"`);
    const given: Given = { project: { prisma, schemaPrisma } };
    expect((await open(given)).database).toBe('fixed');
    await expect(open({ ...given, input: url('erp') })).rejects.toMatchObject({
      code: 'SM_URL_MISMATCH',
      hint: expect.stringContaining('write url = env("DATABASE_URL")') as string,
    });
  });

  test('is never given the URL as a shadow database', async () => {
    const schemaPrisma = datasource('url = env("OTHER_URL")', 'shadowDatabaseUrl = env("SHADOW_URL")');
    await expect(open({ project: { prisma, schemaPrisma } })).rejects.toMatchObject({
      code: 'SM_PRISMA_CONFIG',
      message: expect.stringContaining('database-url is empty, and so is OTHER_URL') as string,
    });
    // deploy goes on with this very environment, so what it sees is what counts.
    const seen = await environmentOf({ project: { prisma, schemaPrisma }, input: url('erp') });
    // With the name by which the run knows its sessions.
    expect(seen.OTHER_URL).toBe(`${url('erp')}?application_name=safe-migrate%20migrate%20r1`);
    expect(seen.SHADOW_URL).toBeUndefined();
  });

  test('is read from a folder of schema files, with several database schemas', async () => {
    const schemaPrisma = `generator client {
  provider        = "prisma-client-js"
  previewFeatures = [${prisma === '5' ? '"prismaSchemaFolder", ' : ''}"multiSchema"]
}
${datasource('url = env("DATABASE_URL")', 'schemas = ["public", "sales"]')}`;
    const migrator = await open({
      project: { prisma, schemaPrisma },
      files: { 'prisma/schema/order.prisma': 'model Order {\n  id Int @id\n  @@schema("sales")\n}\n' },
      moved: [
        ['prisma/schema.prisma', 'prisma/schema/main.prisma'],
        // 5 keeps the migrations beside that folder, 6.6 and later beside the file with the datasource.
        ...(prisma === '5' ? [] : [['prisma/migrations', 'prisma/schema/migrations'] as const]),
      ],
      prismaSchema: 'prisma/schema',
      env: { DATABASE_URL: url('erp') },
    });
    expect(migrator).toMatchObject({ database: 'erp', historySchema: 'public' });
    expect(names(migrator)).toEqual(['1_a']);
  });

  test('finds its schema where package.json or the input says', async () => {
    const moved = [['prisma', 'db']] as const;
    const env = { DATABASE_URL: url('erp') };
    const packageJson = { 'package.json': '{ "name": "p", "prisma": { "schema": "db/schema.prisma" } }' };
    const byPackage = await open({ project: { prisma }, moved, env, files: packageJson });
    const byInput = await open({ project: { prisma }, moved, env, prismaSchema: 'db/schema.prisma' });
    for (const migrator of [byPackage, byInput]) {
      expect(migrator.migrationsDirectory).toMatch(/\/db\/migrations$/);
      expect(names(migrator)).toEqual(['1_a']);
    }
  });

  const mysql = datasource('url = env("DATABASE_URL")').replace('postgresql', 'mysql');
  test.each<[string, string, Given]>([
    ['no schema', 'SM_PRISMA_PROJECT', { moved: [['prisma', 'elsewhere']] }],
    ['a schema that is not there', 'SM_PRISMA_PROJECT', { prismaSchema: 'nowhere/schema.prisma' }],
    ['no migrations folder', 'SM_PRISMA_PROJECT', { moved: [['prisma/migrations', 'elsewhere']] }],
    ['no DATABASE_URL', 'SM_PRISMA_CONFIG', { env: { DATABASE_URL: '' } }],
    ['a schema that is none', 'SM_PRISMA_CONFIG', { project: { schemaPrisma: 'nonsense' } }],
    [
      'MySQL',
      'SM_PROVIDER',
      {
        project: { schemaPrisma: mysql, lockProvider: 'mysql' },
        env: { DATABASE_URL: 'mysql://app:hunter2@127.0.0.1:1/erp' },
      },
    ],
    ['a lock file of another provider', 'SM_PROVIDER', { project: { lockProvider: 'sqlite' } }],
    ['a transaction pooler', 'SM_URL_POOLER', { env: { DATABASE_URL: `${url('erp')}?pgbouncer=true` } }],
    [
      'Accelerate',
      'SM_URL_PRISMA_PROXY',
      { env: { DATABASE_URL: 'prisma://accelerate.prisma-data.net/?api_key=hunter2' } },
    ],
  ])('is refused with %s', async (_name, code, given) => {
    const error: unknown = await open({
      env: { DATABASE_URL: url('erp') },
      ...given,
      project: { prisma, ...given.project },
    }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/\S/) as string });
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    expect(`${String(error)} ${cause}`).not.toContain('hunter2');
  });
});

/** What `migrate deploy` of this project sees in its environment, from an engine that notes it and fails. */
async function environmentOf(given: Given): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), 'safe-migrate-seen-'));
  try {
    const engine = join(directory, 'engine.cjs');
    const seen = join(directory, 'seen.json');
    const script = `require('fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify(process.env)); process.exit(1);`;
    await writeFile(engine, `#!/usr/bin/env node\n${script}\n`, { mode: 0o700 });
    const env = { PRISMA_SCHEMA_ENGINE_BINARY: engine, PRISMA_QUERY_ENGINE_LIBRARY: engine, ...given.env };
    return await withProject({ ...given, env }, async (migrator) => {
      await migrator.deploy(silentLog, never);
      return JSON.parse(await readFile(seen, 'utf8')) as Record<string, string>;
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe('Prisma 6 with a config', () => {
  const schemaPrisma = datasource('url = env("DATABASE_URL")');
  const config = (...settings: string[]) =>
    `import { defineConfig, env } from 'prisma/config';\nexport default defineConfig({ schema: 'prisma/schema.prisma', ${settings.join(', ')} });\n`;

  test('finds its migrations where migrations.path says, and loads no .env', async () => {
    const given: Given = {
      project: { prisma: '6', schemaPrisma, config: config(`migrations: { path: 'db/history' }`) },
      moved: [['prisma/migrations', 'db/history']],
      files: { '.env': `DATABASE_URL="${url('dotenv')}"\n` },
    };
    const migrator = await open({ ...given, env: { DATABASE_URL: url('erp') } });
    expect(migrator).toMatchObject({ database: 'erp' });
    expect(migrator.migrationsDirectory).toMatch(/\/db\/history$/);
    await expect(open(given)).rejects.toMatchObject({ code: 'SM_PRISMA_CONFIG' });
    expect((await open({ ...given, input: url('erp') })).database).toBe('erp');
  });

  test('migrates over the URL of the config, which comes before the schema', async () => {
    const given: Given = {
      project: {
        prisma: '6',
        schemaPrisma,
        config: config(`engine: 'classic', datasource: { url: env('CONFIG_URL') }`),
      },
      env: { CONFIG_URL: url('config'), DATABASE_URL: url('schema') },
    };
    expect((await open(given)).database).toBe('config');
    // What a config reads may be anything: it is never set, only named.
    await expect(open({ ...given, input: url('schema') })).rejects.toMatchObject({ code: 'SM_URL_MISMATCH' });
    await expect(open({ ...given, input: url('schema'), env: {} })).rejects.toMatchObject({
      code: 'SM_PRISMA_CONFIG',
      message: expect.stringContaining('needs the environment variable CONFIG_URL') as string,
    });
  });

  test('is found by prisma-config', async () => {
    const migrator = await open({
      project: { prisma: '6', schemaPrisma },
      files: { 'conf/custom.config.ts': config().replace('prisma/schema', '../prisma/schema') },
      prismaConfig: 'conf/custom.config.ts',
      env: { DATABASE_URL: url('erp') },
    });
    expect(migrator.database).toBe('erp');
  });

  test('is refused with a driver adapter, which hides the URL', async () => {
    const adapter = `engine: 'js', experimental: { adapter: true }, adapter: async () => ({ provider: 'postgres', adapterName: 'x', connect: async () => { throw new Error('refused'); } })`;
    await expect(
      open({
        project: { prisma: '6', schemaPrisma, config: config(adapter) },
        env: { DATABASE_URL: url('erp') },
      }),
    ).rejects.toMatchObject({
      code: 'SM_PRISMA_CONFIG',
      message: expect.stringContaining('gives Migrate a driver adapter') as string,
    });
  });
});

test('Prisma 5 is refused with prisma-config, which it does not know', async () => {
  await expect(
    open({ project: { prisma: '5' }, prismaConfig: 'prisma.config.ts', env: { DATABASE_URL: url('erp') } }),
  ).rejects.toMatchObject({ code: 'SM_PRISMA_CONFIG', message: expect.stringContaining('5.22.0') as string });
});

describe('Prisma 7', () => {
  test('reads a folder of schema files, several database schemas and migrations.path from its config', async () => {
    const migrator = await open({
      project: {
        schemaPrisma: datasource('schemas = ["public", "sales"]'),
        config: `export default { schema: 'prisma', migrations: { path: 'db/history' }, datasource: { url: process.env.DATABASE_URL } };\n`,
      },
      files: { 'prisma/order.prisma': 'model Order {\n  id Int @id\n  @@schema("sales")\n}\n' },
      moved: [['prisma/migrations', 'db/history']],
      env: { DATABASE_URL: `${url('erp')}?schema=sales` },
    });
    expect(migrator).toMatchObject({ database: 'erp', historySchema: 'sales' });
    expect(migrator.migrationsDirectory).toMatch(/\/db\/history$/);
    expect(names(migrator)).toEqual(['1_a']);
  });

  test('names the variable of its config that is not set, and does not set it', async () => {
    const config = `import { defineConfig, env } from 'prisma/config';\nexport default defineConfig({ schema: 'prisma/schema.prisma', datasource: { url: env('DIRECT_URL') } });\n`;
    await expect(open({ project: { config }, input: url('erp') })).rejects.toMatchObject({
      code: 'SM_PRISMA_CONFIG',
      hint: expect.stringContaining('Set DIRECT_URL in the env of the step') as string,
    });
  });

  test('loads no .env', async () => {
    const files = { '.env': `DATABASE_URL="${url('dotenv')}"\n` };
    await expect(open({ files })).rejects.toMatchObject({ code: 'SM_PRISMA_CONFIG' });
  });

  test('is found as @prisma/prisma7 beside Prisma 8, with its own config file', async () => {
    const env = { DATABASE_URL: url('erp') };
    const files = { 'prisma.config.ts': `throw new Error('of Prisma 8');\n` };
    const migrator = await open({ project: { prisma: 'prisma7' }, files, env });
    expect(migrator).toMatchObject({ version: '7.10.0', database: 'erp' });
    expect(names(migrator)).toEqual(['1_a']);
  });
});
