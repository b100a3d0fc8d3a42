import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations } from '../support/erp.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const installedPrisma = fileURLToPath(new URL('../../node_modules/prisma/build/index.js', import.meta.url));
const name = '20260103000000_add_quotations';
const pending = { [name]: addQuotations };

/** A `prisma` of the user's own making, as Yarn PnP or an image has one: no node_modules beside the project. */
async function hidePrisma(world: World): Promise<string> {
  await rm(join(world.project.directory, 'node_modules'), { recursive: true });
  const wrapper = join(world.folder, 'wrapped-prisma');
  await writeFile(wrapper, `#!/bin/sh\nexec '${process.execPath}' '${installedPrisma}' "$@"\n`);
  await chmod(wrapper, 0o755);
  // The config of the project imports a package that is gone now.
  await writeFile(
    join(world.project.directory, 'prisma.config.ts'),
    `export default { schema: 'prisma/schema.prisma', datasource: { url: process.env.DATABASE_URL } };\n`,
  );
  return wrapper;
}

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

  it('when it migrates by itself whatever it is asked', async () => {
    await writeFile(
      join(world.project.directory, 'entrypoint.sh'),
      'node node_modules/prisma/build/index.js migrate deploy && exec "$@"\n',
    );
    const command = 'sh entrypoint.sh node node_modules/prisma/build/index.js migrate deploy';
    const { report } = await expectRefused(world, { inputs: { 'migrate-command': command } }, [
      'SM_SERVER_UNPROVED',
    ]);
    expect(report.problems[0]?.message).toContain('was kept from it (P1002)');
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
