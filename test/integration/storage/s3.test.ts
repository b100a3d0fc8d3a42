import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Storage } from '../../../src/storage/port/storage.ts';
import { s3Storage } from '../../../src/storage/s3/s3-storage.ts';
import { type Ceph, kmsKeyId } from '../../support/ceph.ts';
import { s3Place, s3StorageFor } from '../../support/s3-place.ts';
import { sharedCeph } from '../../support/shared-servers.ts';
import { describeStorageContract, mebibyte, putOf } from '../../support/storage-contract.ts';

const never = new AbortController().signal;

describeStorageContract('s3://', async () => s3Place(await sharedCeph(), { prefix: 'team/erp backups' }));

describe('s3://', () => {
  let ceph: Ceph;

  beforeAll(async () => {
    ceph = await sharedCeph();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('stores below no prefix where none is given', async () => {
    await using place = await s3Place(ceph);
    const location = await place.storage.put(putOf('db/id/manifest.json', Buffer.from('{}')));
    expect(location).toEqual({
      storage: 's3',
      url: `s3://${place.bucket}/db/id/manifest.json`,
      verified: 'read back, length and SHA-256 equal',
    });
    expect(await place.everything()).toEqual(['db/id/manifest.json']);
  });

  test('lists more than one page', async () => {
    await using place = await s3Place(ceph, { prefix: 'p' });
    const client = ceph.client();
    const keys = Array.from({ length: 1005 }, (_, index) => `db/${String(index).padStart(4, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(
        keys
          .slice(at, at + 50)
          .map((key) =>
            client.send(new PutObjectCommand({ Bucket: place.bucket, Key: `p/${key}`, Body: 'x' })),
          ),
      );
    }
    client.destroy();
    expect((await place.storage.list('db/', never)).map(({ key }) => key)).toEqual(keys);
  });

  test.each([
    ['one request', 1000],
    ['several parts', 12 * mebibyte],
  ])('encrypts with the key that sse= names (%s)', async (_size, sizeBytes) => {
    await using place = await s3Place(ceph, { query: `&sse=aws:kms:${kmsKeyId}` });
    const bytes = randomBytes(sizeBytes);
    await place.storage.check(never);
    await place.storage.put(putOf('db/id/database.dump', bytes));
    const client = ceph.client();
    const held = await client.send(
      new HeadObjectCommand({ Bucket: place.bucket, Key: 'db/id/database.dump' }),
    );
    client.destroy();
    expect(held).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId });
  });

  describe('says what is wrong', () => {
    const ways: readonly [string, (storage: Storage) => Promise<unknown>][] = [
      ['check', (storage) => storage.check(never)],
      ['put', (storage) => storage.put(putOf('db/id/manifest.json', Buffer.from('{}')))],
      ['large put', (storage) => storage.put(putOf('db/id/database.dump', randomBytes(12 * mebibyte)))],
      ['list', (storage) => storage.list('', never)],
      ['get', (storage) => storage.get('db/id/manifest.json', never)],
      ['remove', (storage) => storage.remove('db/id/manifest.json', never)],
    ];
    const writing = ways.filter(([way]) => way !== 'get' && way !== 'remove');

    test.each(writing)('the bucket does not exist: %s', async (_way, use) => {
      const storage = s3StorageFor(ceph.storageUrl('no-such-bucket'), ceph.info.owner);
      await expect(use(storage)).rejects.toMatchObject({
        code: 'SM_STORAGE_MISSING',
        message: expect.stringContaining('no-such-bucket does not exist'),
      });
    });

    test.each(ways)('the credentials have no right to the bucket: %s', async (_way, use) => {
      await using place = await s3Place(ceph);
      const storage = s3StorageFor(ceph.storageUrl(place.bucket), ceph.info.outsider);
      await expect(use(storage)).rejects.toMatchObject({
        code: 'SM_STORAGE_FORBIDDEN',
        message: expect.not.stringContaining('may be left'),
        hint: expect.stringMatching(/The credentials need s3:/),
      });
      expect(await place.everything()).toEqual([]);
    });

    test('the secret is wrong, or the key id unknown; neither is repeated', async () => {
      await using place = await s3Place(ceph);
      for (const user of [
        { accessKey: ceph.info.owner.accessKey, secretKey: 'wrong-secret-canary' },
        { accessKey: 'UNKNOWNKEYIDCANARY', secretKey: 'wrong-secret-canary' },
      ]) {
        const storage = s3StorageFor(ceph.storageUrl(place.bucket), user);
        const error: unknown = await storage.list('', never).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'SM_STORAGE_CREDENTIALS' });
        const shown = inspect(error, { depth: null, showHidden: true });
        for (const secret of [user.accessKey, user.secretKey]) expect(shown).not.toContain(secret);
      }
    });

    test('there are no credentials', async () => {
      const home = await mkdtemp(join(tmpdir(), 'safe-migrate-home-'));
      try {
        for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
        vi.stubEnv('HOME', home);
        vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
        const storage = s3Storage({
          kind: 's3',
          bucket: 'bucket',
          prefix: '',
          region: null,
          endpoint: ceph.endpoint,
          encryption: null,
        });
        await expect(storage.check(never)).rejects.toMatchObject({
          code: 'SM_STORAGE_CREDENTIALS',
          message: 'no credentials were found for s3://bucket',
        });
      } finally {
        await rm(home, { recursive: true });
      }
    });

    test('no region is known', async () => {
      const home = await mkdtemp(join(tmpdir(), 'safe-migrate-home-'));
      try {
        for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
        vi.stubEnv('HOME', home);
        const storage = s3StorageFor('s3://bucket', ceph.info.owner);
        await expect(storage.check(never)).rejects.toMatchObject({
          code: 'SM_STORAGE_REGION',
          hint: expect.stringContaining('region='),
        });
      } finally {
        await rm(home, { recursive: true });
      }
    });

    test.each([
      ['nobody listens', 'http://127.0.0.1:1'],
      ['the name does not exist', 'https://s3.invalid'],
    ])('the endpoint cannot be reached: %s', async (_why, endpoint) => {
      const storage = s3StorageFor(ceph.storageUrl('bucket', '', endpoint), ceph.info.owner);
      await expect(storage.check(never)).rejects.toMatchObject({
        code: 'SM_STORAGE_UNREACHABLE',
        message: expect.stringContaining(endpoint),
      });
    });

    test('the key of sse= does not exist', async () => {
      await using place = await s3Place(ceph, { query: '&sse=aws:kms:no-such-key' });
      await expect(place.storage.put(putOf('a', Buffer.from('x')))).rejects.toMatchObject({
        code: expect.stringMatching(/^SM_STORAGE_/),
      });
      expect(await place.everything()).toEqual([]);
    });
  });

  test('takes credentials and region from the environment', async () => {
    await using place = await s3Place(ceph);
    for (const [name, value] of Object.entries(ceph.environment())) vi.stubEnv(name, value);
    const storage = s3Storage({
      kind: 's3',
      bucket: place.bucket,
      prefix: '',
      region: null,
      endpoint: ceph.endpoint,
      encryption: null,
    });
    expect(await storage.check(never)).toEqual([]);
  });

  test('warns of credentials that end before the run can', async () => {
    await using place = await s3Place(ceph);
    for (const [name, value] of Object.entries(ceph.environment())) vi.stubEnv(name, value);
    vi.stubEnv('AWS_CREDENTIAL_EXPIRATION', new Date(Date.now() + 20.5 * 60_000).toISOString());
    const storage = s3Storage({
      kind: 's3',
      bucket: place.bucket,
      prefix: 'erp',
      region: null,
      endpoint: ceph.endpoint,
      encryption: null,
    });
    expect(await storage.check(never, 15)).toEqual([]);
    expect(await storage.check(never, 30)).toEqual([
      expect.stringContaining('the credentials end in 20 min, this run may need 30 min'),
    ]);
  });
});
