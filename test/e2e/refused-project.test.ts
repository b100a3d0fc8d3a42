import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations, erpMigrations } from '../support/erp.ts';
import { createPrismaProject } from '../support/prisma-project.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };

describe('migrate refuses, and touches nothing, when the project', () => {
  let world: World;
  let projects = 0;
  beforeAll(async () => {
    world = await createWorld({ pending });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Another checkout of the world's project, to be broken. */
  const checkout = (options: Partial<Parameters<typeof createPrismaProject>[1]> = {}) => {
    projects += 1;
    return createPrismaProject(join(world.folder, `project-${projects}`), {
      migrations: { ...erpMigrations, ...pending },
      ...options,
    });
  };

  it('has no folder of the name given as working-directory', async () => {
    const { report } = await expectRefused(world, { inputs: { 'working-directory': 'packages/nowhere' } }, [
      'SM_INPUT',
    ]);
    expect(report.problems[0]?.message).toMatch(/^working-directory: "packages\/nowhere" is no folder/);
  });

  it('is not in working-directory but beside it', async () => {
    const project = await checkout();
    await mkdir(join(project.directory, 'docs'));
    const { report } = await expectRefused(
      world,
      { workspace: project.directory, inputs: { 'working-directory': 'docs' } },
      ['SM_PRISMA_PROJECT'],
    );
    expect(report.problems[0]?.message).toContain(join(project.directory, 'docs'));
  });

  it('has its migrations elsewhere: none is found', async () => {
    const project = await checkout({ migrations: {} });
    const { report } = await expectRefused(world, { workspace: project.directory }, ['SM_PRISMA_PROJECT']);
    expect(report.problems[0]?.message).toContain(project.migrationsDirectory);
  });

  it('has no prisma of its own', async () => {
    const project = await checkout();
    await rm(join(project.directory, 'node_modules'), { recursive: true });
    const { report } = await expectRefused(world, { workspace: project.directory }, ['SM_PRISMA_MISSING']);
    expect(report.problems[0]?.message).toContain(project.directory);
    expect(report.problems[0]?.hint).toContain('npm ci');
  });

  it.each([
    ['8.0.0', 'Prisma 8 has no `migrate deploy`'],
    ['8.0.0-rc.3', 'Prisma 8 has no `migrate deploy`'],
    ['4.16.2', 'safe-migrate works with Prisma 5, 6 and 7'],
  ])('has Prisma %s', async (version, message) => {
    const project = await checkout();
    const folder = join(project.directory, 'node_modules', 'prisma');
    await rm(folder);
    await mkdir(folder);
    const manifest = { name: 'prisma', version, bin: { prisma: 'must-not-run.js' } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    const { report } = await expectRefused(world, { workspace: project.directory }, [
      'SM_PRISMA_UNSUPPORTED',
    ]);
    expect(report.problems[0]?.message).toContain(`prisma ${version} is installed; ${message}`);
  });

  it.each(['mysql', 'sqlite'])('has the provider %s', async (provider) => {
    const project = await checkout({
      schemaPrisma: `datasource db {\n  provider = "${provider}"\n}\n`,
      lockProvider: provider,
    });
    const { report } = await expectRefused(world, { workspace: project.directory }, ['SM_PROVIDER']);
    expect(report.problems[0]?.message).toContain(`provider of this Prisma project is ${provider}`);
  });

  it('has a config that cannot be loaded', async () => {
    const project = await checkout({
      config: `throw new Error('the vault is sealed, ' + process.env.DATABASE_URL);`,
    });
    const { result, report } = await expectRefused(world, { workspace: project.directory }, [
      'SM_PRISMA_CONFIG',
    ]);
    expect(report.problems[0]?.message).toContain('the vault is sealed');
    expect(result.rawLog).not.toContain(`:${new URL(world.url).password}@`);
  });

  it('has an applied migration that was edited', async () => {
    const [edited] = Object.keys(erpMigrations);
    const project = await checkout();
    await project.writeMigration(edited ?? '', 'SELECT 1;');
    const { report } = await expectRefused(world, { workspace: project.directory }, ['SM_HISTORY_EDITED']);
    expect(report.problems[0]?.message).toContain(edited);
  });

  it('lacks an applied migration, and has edited another: both are told', async () => {
    const [edited = '', missing = ''] = Object.keys(erpMigrations);
    const project = await checkout();
    await project.writeMigration(edited, 'SELECT 1;');
    await project.removeMigration(missing);
    const { report } = await expectRefused(world, { workspace: project.directory }, [
      'SM_HISTORY_EDITED',
      'SM_HISTORY_MISSING',
    ]);
    expect(report.problems.map((problem) => problem.message).join()).toContain(missing);
  });

  it('has pending scripts that are no UTF-8, or more: all of them at once, as Prisma finds them one by one', async () => {
    const sql = 'CREATE TABLE "Größe" (id int);';
    const bytes = {
      '20260104000000_mark': Buffer.from(`\uFEFF${sql}`),
      '20260104000001_utf16': Buffer.from(`\uFEFF${sql}`, 'utf16le'),
      '20260104000002_nul': Buffer.from(`${sql}\0 CREATE TABLE lost (id int);`),
      '20260104000003_latin1': Buffer.from(sql, 'latin1'),
    };
    const project = await checkout({ migrations: erpMigrations });
    for (const [name, content] of Object.entries(bytes)) {
      await project.writeMigration(name, '');
      await writeFile(join(project.migrationsDirectory, name, 'migration.sql'), content);
    }
    const { report } = await expectRefused(
      world,
      { workspace: project.directory },
      Object.keys(bytes).map(() => 'SM_MIGRATION_UNREADABLE'),
    );
    expect(report.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/_mark begins with a byte-order mark/),
      expect.stringMatching(/_utf16 is written in UTF-16$/),
      expect.stringMatching(/_nul holds a NUL character/),
      expect.stringMatching(/_latin1 is not written in UTF-8/),
    ]);
    expect(report.problems[1]?.hint).toContain('Windows PowerShell');

    // Prisma's own word for each: two fail, two end well, of which one loses what follows and one makes a table of another name.
    for (const name of Object.keys(bytes)) {
      await using alone = await createWorld({});
      await mkdir(join(alone.project.migrationsDirectory, name));
      await writeFile(
        join(alone.project.migrationsDirectory, name, 'migration.sql'),
        bytes[name as keyof typeof bytes],
      );
      const deployed = alone.prisma('migrate', 'deploy').then(
        () => 'deployed',
        () => 'failed',
      );
      expect([name, await deployed]).toEqual([name, /nul|latin1/.test(name) ? 'deployed' : 'failed']);
      if (name.endsWith('nul')) expect(await alone.psql(`SELECT to_regclass('lost')`)).toBe('');
      if (name.endsWith('latin1'))
        expect(await alone.psql(`SELECT relname FROM pg_class WHERE relname LIKE 'Gr%'`)).toContain('\uFFFD');
    }
  });

  it('has a pending migration without a script', async () => {
    const project = await checkout();
    await rm(join(project.migrationsDirectory, '20260103000000_add_quotations', 'migration.sql'));
    await expectRefused(world, { workspace: project.directory }, ['SM_MIGRATION_UNREADABLE']);
  });
});

describe('migrate refuses, and touches nothing, when the history', () => {
  it('holds a migration that failed earlier', async () => {
    await using world = await createWorld({
      pending: { '20260103000000_broken': 'CREATE TABLE "Half" (id int); SELECT 1/0;' },
    });
    await expect(world.prisma('migrate', 'deploy')).rejects.toThrow(/P3018/);
    const { report } = await expectRefused(world, {}, ['SM_HISTORY_FAILED']);
    expect(report.problems[0]?.message).toContain('20260103000000_broken failed');
    expect(report.problems[0]?.hint).toContain('prisma migrate resolve --rolled-back');
  });

  it('is not there although the database holds tables', async () => {
    await using world = await createWorld({ pending });
    await world.psql('DROP TABLE "_prisma_migrations"');
    const { report } = await expectRefused(world, {}, ['SM_NOT_BASELINED']);
    expect(report.problems[0]?.message).toMatch(
      /holds tables \((public\.\w+(, )?)+\): Prisma would refuse it/,
    );
    expect(report.problems[0]?.hint).toMatch(
      /^Check that database and schema in the URL are the right ones\./,
    );
  });

  it('is not there, but what the database holds is PostGIS’s: Prisma deploys, and so does the run', async () => {
    await using world = await createWorld({
      applied: {},
      rows: 'CREATE TABLE spatial_ref_sys (srid int);',
      pending: erpMigrations,
    });
    await world.psql('DROP TABLE IF EXISTS "_prisma_migrations"');
    await using run = await world.migrate();
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
  });
});
