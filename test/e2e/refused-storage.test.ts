import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ceph } from '../support/ceph.ts';
import { addQuotations } from '../support/erp.ts';
import { freePort } from '../support/postgres.ts';
import { expectNothingLeft, expectRefused } from '../support/refusal.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

const run = promisify(execFile);
const pending = { '20260103000000_add_quotations': addQuotations };

describe('migrate refuses, and touches nothing, when the storage', () => {
  let world: World;
  let ceph: Ceph;
  beforeAll(async () => {
    ceph = await sharedCeph();
    world = await createWorld({ pending });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('is a bucket that does not exist', async () => {
    const storage = ceph.storageUrl('no-such-bucket-here', 'backups');
    const { report } = await expectRefused(world, { inputs: { storage } }, ['SM_STORAGE_MISSING']);
    expect(report.problems[0]?.message).toContain('no-such-bucket-here');
  });

  it('is a bucket of somebody else', async () => {
    const { report } = await expectRefused(world, { env: ceph.environment(ceph.info.outsider) }, [
      'SM_STORAGE_FORBIDDEN',
    ]);
    expect(report.problems[0]?.message).toContain(world.bucket);
    expect(report.problems[0]?.hint).toContain('s3:ListBucket');
  });

  it.each([
    ['secret key', { AWS_SECRET_ACCESS_KEY: 'wrong/secret+key' }],
    ['access key', { AWS_ACCESS_KEY_ID: 'NOBODYSACCESSKEY0001' }],
  ])('does not accept the %s', async (_, env) => {
    const { result } = await expectRefused(world, { env }, ['SM_STORAGE_CREDENTIALS']);
    expect(result.rawLog).not.toContain('wrong/secret+key');
  });

  it('does not answer', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const storage = ceph.storageUrl(world.bucket, 'backups', endpoint);
    const { report } = await expectRefused(world, { inputs: { storage } }, ['SM_STORAGE_UNREACHABLE']);
    expect(report.problems[0]?.message).toContain(endpoint);
  });

  it('is one of two, and the other is fine; that one holds nothing either', async () => {
    const storage = `${world.storageUrl}\n${ceph.storageUrl('no-such-bucket-here')}`;
    await expectRefused(world, { inputs: { storage } }, ['SM_STORAGE_MISSING']);
  });

  it('is wrong and so are the password and the project: all three are told', async () => {
    const url = new URL(world.url);
    url.password = 'not-the-password';
    const storage = ceph.storageUrl('no-such-bucket-here');
    await expectRefused(world, { workspace: world.folder, inputs: { storage, 'database-url': url.href } }, [
      'SM_STORAGE_MISSING',
      'SM_PRISMA_MISSING',
      'SM_AUTH',
    ]);
  });
});

describe('migrate refuses, and touches nothing, when the disk', () => {
  it('is full before the dump is whole', async (test) => {
    await using world = await createWorld({
      pending,
      // 24 MB that no compression makes smaller than 12.
      rows: `INSERT INTO "Note" ("text") SELECT md5(n::text) || md5((n + 0.5)::text) FROM generate_series(1, 380000) n;`,
    });
    const disk = join(world.folder, 'disk');
    await mkdir(disk);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', disk]);
    } catch (error) {
      process.stderr.write(
        `\nNOT TESTED: a full disk, because no file system can be mounted here: ${String(error)}\n`,
      );
      test.skip();
    }
    try {
      const { report } = await expectRefused(world, { env: { RUNNER_TEMP: disk } }, ['SM_DISK_FULL']);
      expect(report.problems[0]?.phase).toBe('dump');
      expect(report.problems[0]?.hint).toContain('RUNNER_TEMP');
      const { stdout } = await run('find', [disk, '-name', '*.dump*']);
      expect(stdout).toBe('');
      await expectNothingLeft(world);
    } finally {
      await run('umount', [disk]);
    }
  });
});
