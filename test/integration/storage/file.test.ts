import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileStorage } from '../../../src/storage/file/file-storage.ts';
import { publish, publishByReservation } from '../../../src/storage/file/publish.ts';
import { temporaryName } from '../../../src/storage/file/temporary-name.ts';
import type { Storage } from '../../../src/storage/port/storage.ts';
import { describeStorageContract, mebibyte, putOf } from '../../support/storage-contract.ts';

const never = new AbortController().signal;

async function everythingIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name) + (entry.isDirectory() ? '/' : '')).sort();
}

describeStorageContract('file://', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-file-'));
  return {
    storage: fileStorage({ kind: 'file', directory: folder }),
    everything: () => everythingIn(folder),
    clear: async () => {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
});

describe('file://', () => {
  let folder: string;
  let storage: Storage;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'safe-migrate-file-'));
    storage = fileStorage({ kind: 'file', directory: folder });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('keeps files and folders from everybody else', async () => {
    await storage.put(putOf('db/id/database.dump', Buffer.from('x')));
    const mode = async (path: string) => (await stat(join(folder, path))).mode & 0o777;
    expect(await mode('db')).toBe(0o700);
    expect(await mode('db/id')).toBe(0o700);
    expect(await mode('db/id/database.dump')).toBe(0o600);
  });

  test('says that its folder does not exist, and does not make it', async () => {
    const missing = fileStorage({ kind: 'file', directory: join(folder, "not mo'unted") });
    const refused = { code: 'SM_STORAGE_MISSING', hint: expect.stringContaining('install -d -m 0700') };
    await expect(missing.check(never)).rejects.toMatchObject(refused);
    await expect(missing.put(putOf('a', Buffer.from('x')))).rejects.toMatchObject(refused);
    await expect(missing.list('', never)).rejects.toMatchObject(refused);
    expect(await everythingIn(folder)).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)('says that the disk is full and keeps nothing', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
    try {
      await storage.check(never);
      await expect(
        storage.put(putOf('db/id/database.dump', randomBytes(6 * mebibyte))),
      ).rejects.toMatchObject({
        code: 'SM_STORAGE_FULL',
      });
      expect(await everythingIn(folder)).toEqual([]);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  test.skipIf(process.getuid?.() !== 0)('says that it may not write there', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder]);
    try {
      await expect(storage.check(never)).rejects.toMatchObject({ code: 'SM_STORAGE_FORBIDDEN' });
      await expect(storage.put(putOf('a', Buffer.from('x')))).rejects.toMatchObject({
        code: 'SM_STORAGE_FORBIDDEN',
      });
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  test('does not follow links out of its folder', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'safe-migrate-outside-'));
    try {
      await writeFile(join(outside, 'secret'), 'x');
      await symlink(join(outside, 'secret'), join(folder, 'link'));
      await symlink(outside, join(folder, 'folder'));
      expect(await storage.list('', never)).toEqual([]);
      await expect(storage.get('link', never)).rejects.toMatchObject({ code: 'SM_STORAGE_NOT_FOUND' });
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  test('removes what dead runs left, and nothing of living ones', async () => {
    await mkdir(join(folder, 'db/dead'), { recursive: true });
    const dead = spawnSync('true').pid;
    const left = join(folder, 'db/dead', temporaryName().replace(`-${process.pid}-`, `-${dead}-`));
    const ours = join(folder, temporaryName());
    const foreign = join(folder, temporaryName().replace(/migrate-[0-9a-f]{8}/, 'migrate-00000000'));
    const foreignAndOld = join(folder, temporaryName().replace(/migrate-[0-9a-f]{8}/, 'migrate-00000000'));
    for (const path of [left, ours, foreign, foreignAndOld]) await writeFile(path, 'x');
    const longAgo = new Date(Date.now() - 8 * 24 * 3_600_000);
    await utimes(foreignAndOld, longAgo, longAgo);
    expect(await storage.list('', never)).toEqual([]);
    expect(await storage.check(never)).toEqual([expect.stringContaining('removed 2 unfinished file(s)')]);
    expect(await everythingIn(folder)).toEqual([foreign, ours].sort());
  });

  test('refuses a key that looks like a file being written', async () => {
    await expect(storage.put(putOf(`db/${temporaryName()}`, Buffer.from('x')))).rejects.toMatchObject({
      code: 'SM_STORAGE_KEY',
    });
  });

  test.each([
    ['with links', publish],
    ['without links', publishByReservation],
  ])('gives a finished file its name, and never one that is taken (%s)', async (_how, name) => {
    const [first, second, path] = [join(folder, 'first'), join(folder, 'second'), join(folder, 'name')];
    await writeFile(first, '1');
    await writeFile(second, '2');
    await name(first, path);
    await expect(name(second, path)).rejects.toMatchObject({ code: 'SM_STORAGE_EXISTS' });
    expect(await readFile(path, 'utf8')).toBe('1');
    expect(await readdir(dirname(path))).toEqual(['name', 'second']);
    await expect(name(join(folder, 'missing'), join(folder, 'new'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(await readdir(folder)).toEqual(['name', 'second']);
  });

  test('keeps the rights of a folder that was there before', async () => {
    await chmod(folder, 0o750);
    await storage.put(putOf('a', Buffer.from('x')));
    expect((await stat(folder)).mode & 0o777).toBe(0o750);
  });
});
