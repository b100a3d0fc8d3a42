import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseOddFiles } from '../../../src/prisma/capture/odd-files.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import { createPrismaProject } from '../../support/prisma-project.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safe-migrate-odd-'));
  await createPrismaProject(directory, { migrations: { '1_a': 'SELECT 1;' } });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const look = (workingDirectory = directory) =>
  refuseOddFiles({
    workingDirectory,
    schemaPath: null,
    configPath: null,
    checkout: new Checkout([directory]),
  });

test('a project of plain files is as it should be, also in a monorepo that links within itself', async () => {
  await look();
  const app = join(directory, 'apps', 'web');
  await mkdir(app, { recursive: true });
  await symlink(join('..', '..', 'prisma'), join(app, 'prisma'));
  await look(app);
});

test.each<readonly [string, string, string]>([
  ['its schema', 'prisma/schema.prisma', '/proc/self/environ'],
  ['a file of a schema of several', 'prisma/more.prisma', '/etc/passwd'],
  ['the folder of its migrations', 'prisma/migrations', '/etc'],
  ['its lock file', 'prisma/migrations/migration_lock.toml', '/dev/zero'],
  ['its config', 'prisma.config.ts', '/proc/self/environ'],
  ['its package.json', 'package.json', '/dev/zero'],
  ['a script', 'prisma/migrations/1_a/migration.sql', '/proc/self/environ'],
])('a project is refused when %s is a link out of it', async (what, path, to) => {
  if (what.startsWith('a file')) {
    // With a folder as its schema.
    await writeFile(join(directory, 'prisma.config.ts'), `export default { schema: 'prisma' };\n`);
  }
  execFileSync('rm', ['-rf', join(directory, path)]);
  // Where a config names the schema, package.json is not asked.
  if (path === 'package.json') await rm(join(directory, 'prisma.config.ts'));
  await symlink(to, join(directory, path));
  await expect(look()).rejects.toMatchObject({
    problems: [
      { code: 'SM_CHECKOUT_FILE', message: expect.stringContaining(`${path} leads out of the repository`) },
    ],
  });
});
