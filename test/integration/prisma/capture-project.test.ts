import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import {
  openPrismaMigrator,
  type PrismaMigratorOptions,
} from '../../../src/prisma/classic/prisma-migrator.ts';
import type { Migrator } from '../../../src/prisma/migrator.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import { Secret } from '../../../src/system/secret.ts';
import { createPrismaProject } from '../../support/prisma-project.ts';

/** Nobody listens there: whoever connects fails. */
const url = 'postgresql://app:hunter2@127.0.0.1:1/erp';

type ProjectOptions = Parameters<typeof createPrismaProject>[1];

async function open(
  project: Partial<ProjectOptions> = {},
  options: Partial<PrismaMigratorOptions> & { readonly without?: string } = {},
): Promise<Migrator> {
  const directory = await mkdtemp(join(tmpdir(), 'safe-migrate-project-'));
  try {
    await createPrismaProject(directory, { migrations: { '1_a': 'SELECT 1;' }, ...project });
    if (options.without !== undefined) await rm(join(directory, options.without), { recursive: true });
    return await openPrismaMigrator({
      workingDirectory: directory,
      checkout: new Checkout([directory]),
      schemaPath: null,
      configPath: null,
      databaseUrl: null,
      run: 'r1',
      signal: new AbortController().signal,
      ...options,
      env: { PATH: process.env.PATH, DATABASE_URL: url, ...options.env },
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const computedUrl = `export default {
  schema: 'prisma/schema.prisma',
  datasource: { url: 'postgresql://app:' + ['hunter', 2].join('') + '@127.0.0.1:1/production' },
};
`;

describe('Prisma is asked what it would migrate', () => {
  test('without connecting anywhere', async () => {
    const migrator = await open({
      migrations: { '2_b': 'SELECT 2;', '1_a': 'SELECT 1;', '10_c': 'SELECT 3;' },
    });
    expect(migrator.url.reveal()).toBe(url);
    expect(migrator.migrations.map((file) => file.name)).toEqual(['1_a', '10_c', '2_b']);
    expect(migrator.migrations[2]?.script).toBe('SELECT 2;');
  });

  test('when its config computes the URL', async () => {
    expect((await open({ config: computedUrl })).url.reveal()).toBe(
      'postgresql://app:hunter2@127.0.0.1:1/production',
    );
  });

  test('and is refused when that is another database than the given one', async () => {
    await expect(open({ config: computedUrl }, { databaseUrl: new Secret(url) })).rejects.toMatchObject({
      code: 'SM_URL_MISMATCH',
      message:
        'database-url leads to 127.0.0.1:1, database erp, schema public, but Prisma would migrate 127.0.0.1:1, database production, schema public (different: database)',
    });
  });

  test('with the given URL when the environment has none', async () => {
    const migrator = await open({}, { databaseUrl: new Secret(url), env: { DATABASE_URL: '' } });
    expect(migrator.url.reveal()).toBe(url);
  });

  test('in whatever folder its config keeps migrations', async () => {
    const migrator = await open({
      config: `export default { schema: 'prisma/schema.prisma', migrations: { path: 'prisma/./migrations' }, datasource: { url: process.env.DATABASE_URL } };\n`,
    });
    expect(migrator.migrations.map((file) => file.name)).toEqual(['1_a']);
    expect(migrator.migrationsDirectory).toMatch(/\/prisma\/migrations$/);
  });

  test('and nothing of the question stays on the disk', async () => {
    const ownTmp = await mkdtemp(join(tmpdir(), 'safe-migrate-tmp-'));
    vi.stubEnv('TMPDIR', ownTmp);
    try {
      await open();
      await expect(open({ config: 'throw new Error("x")' })).rejects.toBeDefined();
      expect(await readdir(ownTmp)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      await rm(ownTmp, { recursive: true });
    }
  });
});

describe('a project that cannot be used is refused with a clear word', () => {
  const provider = (name: string): Partial<ProjectOptions> => ({
    schemaPrisma: `datasource db {\n  provider = "${name}"\n}\n`,
    lockProvider: name,
  });

  test.each<[string, string, Partial<ProjectOptions>, Parameters<typeof open>[1]]>([
    ['no schema', 'SM_PRISMA_PROJECT', {}, { without: 'prisma' }],
    ['a schema that is not there', 'SM_PRISMA_PROJECT', {}, { schemaPath: '/nowhere/schema.prisma' }],
    ['a config that is not there', 'SM_PRISMA_PROJECT', {}, { configPath: '/nowhere/prisma.config.ts' }],
    ['no migrations folder', 'SM_PRISMA_PROJECT', {}, { without: 'prisma/migrations' }],
    ['no migration', 'SM_PRISMA_PROJECT', { migrations: {} }, {}],
    [
      'a migration without script',
      'SM_MIGRATION_UNREADABLE',
      {},
      { without: 'prisma/migrations/1_a/migration.sql' },
    ],
    ['no config', 'SM_PRISMA_CONFIG', { config: null }, {}],
    ['no DATABASE_URL', 'SM_PRISMA_CONFIG', {}, { env: { DATABASE_URL: '' } }],
    ['a config that throws', 'SM_PRISMA_CONFIG', { config: 'throw new Error(process.env.DATABASE_URL)' }, {}],
    ['a schema that is none', 'SM_PRISMA_CONFIG', { schemaPrisma: 'nonsense' }, {}],
    [
      'MySQL',
      'SM_PROVIDER',
      provider('mysql'),
      { env: { DATABASE_URL: 'mysql://app:hunter2@127.0.0.1:1/erp' } },
    ],
    ['SQLite', 'SM_PROVIDER', provider('sqlite'), { env: { DATABASE_URL: 'file:./erp.db' } }],
    ['CockroachDB', 'SM_PROVIDER', provider('cockroachdb'), {}],
    ['a lock file of another provider', 'SM_PROVIDER', { lockProvider: 'sqlite' }, {}],
    ['a transaction pooler', 'SM_URL_POOLER', {}, { env: { DATABASE_URL: `${url}?pgbouncer=true` } }],
    [
      'Accelerate',
      'SM_URL_PRISMA_PROXY',
      {},
      { env: { DATABASE_URL: 'prisma://accelerate.prisma-data.net/?api_key=hunter2' } },
    ],
    [
      'Prisma Postgres',
      'SM_URL_PRISMA_PROXY',
      {},
      { env: { DATABASE_URL: 'prisma+postgres://accelerate.prisma-data.net/?api_key=hunter2' } },
    ],
  ])('%s', async (_name, code, project, options) => {
    const error: unknown = await open(project, options).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/\S/) as string });
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
    expect(`${String(error)} ${cause}`).not.toContain('hunter2');
  });

  test('a config that waits for something is given up', async () => {
    const abort = new AbortController();
    const opening = open(
      { config: 'await new Promise(() => setInterval(() => {}, 1000)); export default {};' },
      { signal: abort.signal },
    );
    setTimeout(() => abort.abort(new Error('cancelled')), 1500);
    await expect(opening).rejects.toThrow('cancelled');
  });
});
