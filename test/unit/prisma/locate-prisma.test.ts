import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { locatePrisma } from '../../../src/prisma/project/locate-prisma.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'safe-migrate-locate-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function install(
  directory: string,
  version: string,
  bin: unknown = { prisma: 'build/index.js' },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'prisma', version, bin }));
}

describe('the installed Prisma', () => {
  test('is found beside the project', async () => {
    await install(join(root, 'node_modules', 'prisma'), '7.10.1');
    expect(await locatePrisma(root)).toMatchObject({
      version: '7.10.1',
      major: 7,
      cliPath: join(root, 'node_modules', 'prisma', 'build', 'index.js'),
    });
  });

  test('is found at the root of a monorepo', async () => {
    const project = join(root, 'packages', 'db');
    await mkdir(project, { recursive: true });
    await install(join(root, 'node_modules', 'prisma'), '7.2.0', './cli.js');
    expect((await locatePrisma(project)).cliPath).toBe(join(root, 'node_modules', 'prisma', 'cli.js'));
  });

  test("is the project's own where the root has another one", async () => {
    const project = join(root, 'packages', 'db');
    await install(join(root, 'node_modules', 'prisma'), '6.19.0');
    await install(join(project, 'node_modules', 'prisma'), '7.10.1');
    expect((await locatePrisma(project)).version).toBe('7.10.1');
  });

  test("is found through pnpm's links", async () => {
    const store = join(root, 'node_modules', '.pnpm', 'prisma@7.10.1', 'node_modules', 'prisma');
    await install(store, '7.10.1');
    await symlink(store, join(root, 'node_modules', 'prisma'));
    expect((await locatePrisma(root)).version).toBe('7.10.1');
  });

  test('is missing where nothing is installed', async () => {
    await expect(locatePrisma(root)).rejects.toMatchObject({
      code: 'SM_PRISMA_MISSING',
      hint: expect.stringContaining('npm ci') as string,
    });
  });

  test.each(['8.0.0', '8.0.0-rc.2', '9.1.0'])('is refused as %s', async (version) => {
    await install(join(root, 'node_modules', 'prisma'), version);
    await expect(locatePrisma(root)).rejects.toMatchObject({
      code: 'SM_PRISMA_UNSUPPORTED',
      hint: expect.stringContaining('@prisma/prisma7') as string,
    });
  });

  test.each(['6.19.0', '5.22.0', '5.0.0'])('may be %s', async (version) => {
    await install(join(root, 'node_modules', 'prisma'), version);
    expect(await locatePrisma(root)).toMatchObject({ version, major: Number(version[0]) });
  });

  test('is refused as 4.16.2', async () => {
    await install(join(root, 'node_modules', 'prisma'), '4.16.2');
    await expect(locatePrisma(root)).rejects.toMatchObject({ code: 'SM_PRISMA_UNSUPPORTED' });
  });
});

describe('@prisma/prisma7', () => {
  const bin = { prisma7: 'build/prisma7.js' };
  const prisma7 = () => join(root, 'node_modules', '@prisma', 'prisma7');

  test('is taken beside Prisma 8, also from a folder above it', async () => {
    const project = join(root, 'packages', 'db');
    await install(join(project, 'node_modules', 'prisma'), '8.0.0');
    await install(prisma7(), '7.10.0', bin);
    expect(await locatePrisma(project)).toMatchObject({
      version: '7.10.0',
      major: 7,
      cliPath: join(prisma7(), 'build', 'prisma7.js'),
    });
  });

  test('is taken where there is no other prisma', async () => {
    await install(prisma7(), '7.10.0', bin);
    expect((await locatePrisma(root)).cliPath).toBe(join(prisma7(), 'build', 'prisma7.js'));
  });

  test('is left alone where prisma itself can be driven', async () => {
    await install(join(root, 'node_modules', 'prisma'), '6.19.0');
    await install(prisma7(), '7.10.0', bin);
    expect((await locatePrisma(root)).version).toBe('6.19.0');
  });
});
