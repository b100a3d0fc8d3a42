import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { startPostgres } from '../support/postgres.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const installedPrisma = fileURLToPath(new URL('../../node_modules/prisma/build/index.js', import.meta.url));
const name = '20260103000000_add_quotations';
const pending = { [name]: addQuotations };
const failing = '20260103000000_split_name';

/** A `prisma` of the user's own making, as Yarn PnP or an image has one: no node_modules beside the project. */
async function hidePrisma(world: World): Promise<string> {
  await rm(join(world.project.directory, 'node_modules'), { recursive: true });
  const wrapper = join(world.folder, 'prisma');
  await writeFile(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${installedPrisma}' "$@"\n`);
  await chmod(wrapper, 0o755);
  // The config of the project imports a package that is gone now.
  await writeFile(
    join(world.project.directory, 'prisma.config.ts'),
    `export default { schema: 'prisma/schema.prisma', datasource: { url: process.env.DATABASE_URL } };\n`,
  );
  return wrapper;
}

/** `npx` and package scripts find Prisma here. */
async function linkBin(world: World): Promise<void> {
  const bin = join(world.project.directory, 'node_modules', '.bin');
  await mkdir(bin);
  await symlink('../prisma/build/index.js', join(bin, 'prisma'));
}

const viaNode = 'node node_modules/prisma/build/index.js migrate deploy';

describe('migrate-command', () => {
  it('migrates where no Prisma is installed, led to the database that was backed up', async () => {
    await using world = await createWorld({ pending });
    const prisma = await hidePrisma(world);
    await using run = await world.migrate({ inputs: { 'migrate-command': `${prisma} migrate deploy` } });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'migrated',
      'applied-migrations': JSON.stringify([name]),
    });
    expect(run.result.log).toContain('the migrator was led to the database that is backed up');
    expect(run.result.log).not.toContain('could not be proved');
    expect(await world.psql('SELECT count(*) FROM "Quotation"')).toBe('0');
  });

  it('migrates by npx, and is up to date the next time', async () => {
    await using world = await createWorld({ pending });
    await linkBin(world);
    const job = { inputs: { 'migrate-command': 'npx prisma migrate deploy' } };
    await using run = await world.migrate(job);
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
    expect(run.result.log).toContain('the migrator was led to the database that is backed up');
    const before = await world.state();
    await using again = await world.migrate(job);
    expect(again.result.outputs, again.result.log).toMatchObject({
      result: 'up-to-date',
      'pending-migrations': '[]',
    });
    expect(again.result.exitCode).toBe(0);
    expect(await world.state()).toEqual(before);
  });

  it('migrates through a wrapper of a monorepo, and says that nobody could ask it where it leads', async () => {
    await using world = await createWorld({ pending });
    await linkBin(world);
    const api = join(world.project.directory, 'packages', 'api');
    await mkdir(api, { recursive: true });
    await writeFile(
      join(world.project.directory, 'package.json'),
      JSON.stringify({ name: 'monorepo', private: true, workspaces: ['packages/*'] }),
    );
    const scripts = { 'db:deploy': 'cd ../.. && sh ./tools/with-env.sh npx prisma migrate deploy' };
    await writeFile(join(api, 'package.json'), JSON.stringify({ name: 'api', version: '1.0.0', scripts }));
    await mkdir(join(world.project.directory, 'tools'));
    await writeFile(
      join(world.project.directory, 'tools', 'with-env.sh'),
      'export NODE_ENV=production\nexec "$@"\n',
    );
    await using run = await world.migrate({
      inputs: { 'migrate-command': 'npm run db:deploy --workspace api' },
    });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'migrated',
      'applied-migrations': JSON.stringify([name]),
    });
    expect(run.result.log).toMatch(
      /could not be proved that migrations reach the database that is backed up/,
    );
  });

  it('comes back by swap when the migration fails half-way', async () => {
    await using world = await createWorld({ pending: { [failing]: splitNameFails } });
    const before = await world.state();
    await using run = await world.migrate({ inputs: { 'migrate-command': viaNode } });
    const { log, outputs, exitCode } = run.result;
    expect(exitCode, log).toBe(1);
    expect(outputs, log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'failed-migration': failing,
    });
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([outputs['failed-database']]);
  });

  it('puts only the history back when every table still holds what it held', async () => {
    const fails = `UPDATE "Customer" SET "name" = 'x' WHERE "id" < 0;\nDO $$ BEGIN RAISE EXCEPTION 'no'; END $$;\n`;
    await using world = await createWorld({ pending: { [failing]: fails } });
    const before = await world.state();
    await using run = await world.migrate({ inputs: { 'migrate-command': viaNode } });
    const { log, outputs } = run.result;
    expect(outputs, log).toMatchObject({ result: 'restored', 'recovery-method': 'history' });
    expect(log).toContain('every table was read and holds what it held before');
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);
  });

  it.each(['5', '6'] as const)(
    'is led to the database by the schema that Prisma %s really uses',
    async (prisma) => {
      await using world = await createWorld({ pending, prisma });
      await rename(join(world.project.directory, 'prisma'), join(world.project.directory, 'db'));
      await rename(
        join(world.project.directory, 'db', 'schema.prisma'),
        join(world.project.directory, 'db', 'main.prisma'),
      );
      await writeFile(
        join(world.project.directory, 'package.json'),
        JSON.stringify({ prisma: { schema: 'db/main.prisma' } }),
      );
      await using run = await world.migrate({ inputs: { 'migrate-command': viaNode } });
      expect(run.result.outputs, run.result.log).toMatchObject({ result: 'migrated' });
      expect(run.result.log).toContain('the migrator was led to the database that is backed up');
    },
  );

  it('comes back by swap when the command changed rows although Prisma did nothing', async () => {
    await using world = await createWorld({ pending });
    const before = await world.state();
    await writeFile(
      join(world.project.directory, 'deploy.sh'),
      `test -z "$INPUT_STORAGE" && psql "$DATABASE_URL" -c "UPDATE \\"Customer\\" SET name = 'changed'" && exit 3\n`,
    );
    await using run = await world.migrate({ inputs: { 'migrate-command': 'sh ./deploy.sh' } });
    const { log, outputs } = run.result;
    expect(outputs, log).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
    expect(log).toMatch(/could not be proved that migrations reach the database that is backed up/);
    expect(await world.state()).toEqual(before);
    expect(await world.cluster.databases()).toContain(outputs['failed-database']);
  });

  it('leaves everything as it is when the command fails before it does anything', async () => {
    await using world = await createWorld({ pending });
    const before = await world.state();
    await using run = await world.migrate({
      inputs: { 'migrate-command': 'echo no such image >&2; exit 125' },
    });
    const { log, outputs } = run.result;
    expect(outputs, log).toMatchObject({ result: 'untouched', 'recovery-method': 'none' });
    expect(log).toContain('no such image');
    expect(log).toContain(
      'nothing to undo: history and catalogs are as before, and so is what every table holds',
    );
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([]);
  });
});

describe('migrate-command is refused, and nothing is touched,', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ pending });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('when it names migrate dev, migrate reset or db push, in a package script as well', async () => {
    await writeFile(
      join(world.project.directory, 'package.json'),
      JSON.stringify({ scripts: { fresh: 'prisma migrate reset --force' } }),
    );
    const command = 'npx prisma migrate dev\nnpm run fresh\nnpx prisma db push';
    const { report } = await expectRefused(world, { inputs: { 'migrate-command': command } }, [
      'SM_MIGRATE_COMMAND',
      'SM_MIGRATE_COMMAND',
      'SM_MIGRATE_COMMAND',
    ]);
    expect(report.problems.map(({ message }) => message).join()).toMatch(
      /^migrate-command: names `migrate dev`.*`migrate reset` \(in the package.json script fresh\).*`db push`/,
    );
  });

  it('when it leads to another database', async () => {
    const other = await world.cluster.createOwnedDatabase('erp');
    const command = `export DATABASE_URL='${other.url}'\nnode node_modules/prisma/build/index.js migrate deploy`;
    const { report } = await expectRefused(world, { inputs: { 'migrate-command': command } }, [
      'SM_OTHER_SERVER',
    ]);
    expect(report.problems[0]?.message).toContain(`migrate-command reaches database ${other.database}`);
  });

  it('when another server with a database of that name stands where it leads: both are named', async () => {
    await using other = await startPostgres();
    const password = new URL(world.url).password;
    await other.createRole(world.user, { password });
    await other.createDatabase(world.database, world.user);
    const elsewhere = other.url({ database: world.database, user: world.user, password });
    const { report } = await expectRefused(
      world,
      { inputs: { 'migrate-command': viaNode }, env: { DATABASE_URL: elsewhere } },
      ['SM_OTHER_SERVER'],
    );
    const told = report.problems[0]?.message ?? '';
    expect(told).toContain(`migrate-command reaches database ${world.database} at`);
    expect(told).toContain(`:${other.info.port},`);
    expect(told.match(/running since/g)).toHaveLength(2);
    // Nothing was migrated there either.
    expect(
      await other.psql(world.database, `SELECT count(*) FROM pg_class WHERE relname = '_prisma_migrations'`),
    ).toBe('0');
  });

  it('when no Prisma is installed and database-url is not given', async () => {
    await hidePrisma(world);
    const { report } = await expectRefused(
      world,
      { inputs: { 'database-url': '', 'migrate-command': './migrate' }, env: { DATABASE_URL: world.url } },
      ['SM_INPUT'],
    );
    expect(report.problems[0]?.message).toContain('database-url: must be given');
  });
});
