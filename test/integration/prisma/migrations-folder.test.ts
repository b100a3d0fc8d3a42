import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findMigrations } from '../../../src/prisma/capture/migrations-folder.ts';
import { Checkout } from '../../../src/system/checkout.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safe-migrate-folder-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
}

async function found(schema: string | null = null): Promise<string> {
  const schemaPath = schema === null ? null : join(directory, schema);
  const { directory: folder, names } = await findMigrations({
    workingDirectory: directory,
    checkout: new Checkout([directory]),
    schemaPath,
    configPath: null,
  });
  return `${folder.slice(directory.length + 1)}: ${names.join()}`;
}

test('migrations stand beside the schema: its usual place, or where an input, package.json or config says', async () => {
  await write({
    'prisma/migrations/2_b/migration.sql': '',
    'prisma/migrations/1_a/migration.sql': '',
    'prisma/migrations/migration_lock.toml': '',
    'db/schema.prisma': '',
    'db/migrations/1_db/migration.sql': '',
    'folder/models/a.prisma': '',
    'folder/migrations/1_folder/migration.sql': '',
    'else/where/1_config/migration.sql': '',
  });
  expect(await found()).toBe('prisma/migrations: 1_a,2_b');
  expect(await found('db/schema.prisma')).toBe('db/migrations: 1_db');
  expect(await found('folder')).toBe('folder/migrations: 1_folder');
  await write({ 'package.json': '{"prisma": {"schema": "db/schema.prisma"}}' });
  expect(await found()).toBe('db/migrations: 1_db');
  await write({
    'prisma.config.ts': `export default {\n  // migrations: { path: 'no' },\n  schema: 'db' };`,
  });
  expect(await found()).toBe('db/migrations: 1_db');
  await write({ 'prisma.config.ts': `export default { migrations: { seed: 'x', path: './else/where' } };` });
  expect(await found()).toBe('else/where: 1_config');
});

test('the schema is told as well, for a Prisma that wants to be told: as the config or package.json names it', async () => {
  const schema = async () => {
    const { schemaPath } = await findMigrations({
      workingDirectory: directory,
      checkout: new Checkout([directory]),
      schemaPath: null,
      configPath: null,
    });
    return schemaPath?.slice(directory.length + 1) ?? null;
  };
  await write({ 'prisma/migrations/1_a/migration.sql': '' });
  expect(await schema()).toBeNull();
  await write({ 'prisma/schema.prisma': '' });
  expect(await schema()).toBe('prisma/schema.prisma');
  await write({
    'db/main.prisma': '',
    'db/migrations/1_db/migration.sql': '',
    'package.json': '{"prisma": {"schema": "db/main.prisma"}}',
  });
  expect(await schema()).toBe('db/main.prisma');
  await write({
    'new/a.prisma': '',
    'new/migrations/1_new/migration.sql': '',
    'prisma.config.ts': `export default { schema: './new' };`,
  });
  expect(await schema()).toBe('new');
  expect(await found()).toBe('new/migrations: 1_new');
});

test('what cannot be known without Prisma is refused, and what is not there', async () => {
  await expect(found()).rejects.toMatchObject({
    code: 'SM_PRISMA_PROJECT',
    message: expect.stringContaining(join(directory, 'prisma', 'migrations')),
  });
  await write({ 'prisma/migrations/1_a/migration.sql': '' });
  await write({ 'prisma.config.ts': 'export default { migrations: { path: folder() } };' });
  await expect(found()).rejects.toMatchObject({ message: expect.stringContaining('is computed') });
});
