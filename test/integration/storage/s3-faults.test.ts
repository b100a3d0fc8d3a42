import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Of } from '../../../src/storage/port/sha256-of.ts';
import type { PutRequest } from '../../../src/storage/port/storage.ts';
import type { Ceph } from '../../support/ceph.ts';
import {
  type Fault,
  type FaultyProxy,
  type PassingRequest,
  startFaultyProxy,
} from '../../support/faulty-proxy.ts';
import { s3Place, s3StorageFor } from '../../support/s3-place.ts';
import { sharedCeph } from '../../support/shared-servers.ts';
import { endless, mebibyte, putOf, type StoragePlace } from '../../support/storage-contract.ts';

const key = 'db/id/database.dump';
const never = new AbortController().signal;
const small = randomBytes(1000);
const large = randomBytes(20 * mebibyte);
const slowDown =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>';
const internalError =
  '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Try again</Message></Error>';
const completed =
  '<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"0-3"</ETag></CompleteMultipartUploadResult>';

interface Faulty extends StoragePlace {
  readonly bucket: string;
  readonly proxy: FaultyProxy;
}

describe('s3:// on a bad day', () => {
  let ceph: Ceph;

  beforeAll(async () => {
    ceph = await sharedCeph();
  });

  /** A bucket behind a proxy with faults. */
  async function faulty(
    faultOf: (request: PassingRequest, place: { bucket: string }) => Fault | undefined,
  ): Promise<Faulty> {
    const at = { bucket: '' };
    const proxy = await startFaultyProxy(ceph.endpoint, (request) => faultOf(request, at));
    const place = await s3Place(ceph, { endpoint: proxy.endpoint });
    at.bucket = place.bucket;
    return {
      ...place,
      proxy,
      [Symbol.asyncDispose]: async () => {
        await proxy[Symbol.asyncDispose]();
        await place[Symbol.asyncDispose]();
      },
    };
  }

  /** Puts and expects that all is well and the content is there. */
  async function succeeds(place: Faulty, bytes: Buffer): Promise<void> {
    await place.storage.put(putOf(key, bytes));
    expect(await place.everything()).toEqual([key]);
    expect(Buffer.concat(await (await place.storage.get(key, never)).toArray()).equals(bytes)).toBe(true);
  }

  async function fails(
    place: Faulty,
    bytes: Buffer,
    code: string,
    changes: Partial<PutRequest> = {},
  ): Promise<void> {
    await expect(place.storage.put(putOf(key, bytes, changes))).rejects.toMatchObject({ code });
    expect(await place.everything()).toEqual([]);
  }

  const first = (operation: string, times: number, fault: Fault) => (request: PassingRequest) =>
    request.operation === operation && request.nth <= times ? fault : undefined;

  test.each<[string, string, number, Fault, Buffer]>([
    [
      'parts are answered 503 three times',
      'UploadPart',
      3,
      { kind: 'answer', status: 503, body: slowDown },
      large,
    ],
    [
      'an object is answered 503 three times',
      'PutObject',
      3,
      { kind: 'answer', status: 503, body: slowDown },
      small,
    ],
    [
      'the beginning is answered 500',
      'CreateMultipartUpload',
      2,
      { kind: 'answer', status: 500, body: internalError },
      large,
    ],
    [
      'connections break in the middle of parts',
      'UploadPart',
      3,
      { kind: 'cut', afterBytes: 3 * mebibyte },
      large,
    ],
    ['the answer to a part is lost', 'UploadPart', 2, { kind: 'lose-answer', afterBytes: 0 }, large],
    [
      'the answer to an object is lost, so that the next attempt finds the key taken',
      'PutObject',
      1,
      { kind: 'lose-answer', afterBytes: 0 },
      small,
    ],
    [
      'the answer to the beginning is lost, so that there are two',
      'CreateMultipartUpload',
      1,
      { kind: 'lose-answer', afterBytes: 0 },
      large,
    ],
    [
      'the answer to Complete is lost',
      'CompleteMultipartUpload',
      1,
      { kind: 'lose-answer', afterBytes: 0 },
      large,
    ],
    [
      'all answers to Complete are lost',
      'CompleteMultipartUpload',
      99,
      { kind: 'lose-answer', afterBytes: 0 },
      large,
    ],
    [
      'Complete is answered 200 with an error first',
      'CompleteMultipartUpload',
      1,
      { kind: 'answer', status: 200, body: internalError },
      large,
    ],
    [
      'Complete is done and answered 200 with an error, always',
      'CompleteMultipartUpload',
      99,
      { kind: 'replace-answer', status: 200, body: internalError },
      large,
    ],
    [
      'the answer to Complete has no ETag',
      'CompleteMultipartUpload',
      99,
      { kind: 'replace-answer', headers: { etag: null } },
      large,
    ],
    [
      'the answer to an object has no ETag',
      'PutObject',
      99,
      { kind: 'replace-answer', headers: { etag: null } },
      small,
    ],
    ['reading back breaks off twice', 'GetObject', 2, { kind: 'lose-answer', afterBytes: mebibyte }, large],
  ])('an object is stored although %s', async (_what, operation, times, fault, bytes) => {
    await using place = await faulty(first(operation, times, fault));
    await succeeds(place, bytes);
  });

  test.each<[string, string, Fault, Buffer, string]>([
    [
      'parts are always answered 500',
      'UploadPart',
      { kind: 'answer', status: 500, body: internalError },
      large,
      'SM_STORAGE_FAILED',
    ],
    [
      'parts always break off',
      'UploadPart',
      { kind: 'cut', afterBytes: mebibyte },
      large,
      'SM_STORAGE_UNREACHABLE',
    ],
    [
      'parts have no ETag',
      'UploadPart',
      { kind: 'replace-answer', headers: { etag: null } },
      large,
      'SM_STORAGE_FAILED',
    ],
    [
      'the answers to the beginning are all lost',
      'CreateMultipartUpload',
      { kind: 'lose-answer', afterBytes: 0 },
      large,
      'SM_STORAGE_UNREACHABLE',
    ],
    [
      'an object always breaks off',
      'PutObject',
      { kind: 'cut', afterBytes: 1 },
      small,
      'SM_STORAGE_UNREACHABLE',
    ],
    [
      'Complete is answered 200 with an error, always',
      'CompleteMultipartUpload',
      { kind: 'answer', status: 200, body: internalError },
      large,
      'SM_STORAGE_FAILED',
    ],
    [
      'Complete is answered 200 and not done',
      'CompleteMultipartUpload',
      { kind: 'answer', status: 200, body: completed },
      large,
      'SM_STORAGE_MISMATCH',
    ],
    [
      'reading back is refused',
      'GetObject',
      { kind: 'answer', status: 500, body: internalError },
      large,
      'SM_STORAGE_FAILED',
    ],
    [
      'reading back breaks off',
      'GetObject',
      { kind: 'lose-answer', afterBytes: mebibyte },
      large,
      'SM_STORAGE_UNREACHABLE',
    ],
  ])('nothing is left when %s', async (_what, operation, fault, bytes, code) => {
    await using place = await faulty(first(operation, 99, fault));
    await fails(place, bytes, code);
  });

  test.each([
    ['truncated', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['changed in one bit', (bytes: Buffer) => Buffer.from(bytes).fill((bytes[500] ?? 0) ^ 1, 500, 501)],
  ])('an object that the server holds %s is removed and refused', async (_how, damage) => {
    for (const [operation, bytes] of [
      ['PutObject', small],
      ['CompleteMultipartUpload', large],
    ] as const) {
      await using place = await faulty((request, { bucket }) =>
        request.operation !== operation
          ? undefined
          : {
              kind: 'afterwards',
              happens: async () => {
                const client = ceph.client();
                const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
                await client.send(
                  new PutObjectCommand({ Bucket: bucket, Key: key, Body: damage(bytes), Metadata }),
                );
                client.destroy();
              },
            },
      );
      await fails(place, bytes, 'SM_STORAGE_MISMATCH');
    }
  });

  test('an object of somebody else that the server let take the key is left alone', async () => {
    await using place = await faulty((request, { bucket }) =>
      request.operation !== 'CompleteMultipartUpload'
        ? undefined
        : {
            kind: 'afterwards',
            happens: async () => {
              const client = ceph.client();
              const Metadata = { 'safe-migrate-upload': 'another' };
              await client.send(
                new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'another', Metadata }),
              );
              client.destroy();
            },
          },
    );
    await expect(place.storage.put(putOf(key, large))).rejects.toMatchObject({ code: 'SM_STORAGE_EXISTS' });
    expect(await place.everything()).toEqual([key]);
  });

  describe('a checksum of the whole object that the server keeps', () => {
    const checksumOf = (bytes: Buffer): string => {
      const value = Buffer.alloc(4);
      value.writeUInt32BE(crc32(bytes));
      return value.toString('base64');
    };
    const heads =
      (checksum: string, type: string) =>
      ({ operation, nth }: PassingRequest): Fault | undefined =>
        // The first two come before the object is there.
        operation === 'HeadObject' && nth > 2
          ? {
              kind: 'replace-answer',
              headers: { 'x-amz-checksum-crc32': checksum, 'x-amz-checksum-type': type },
            }
          : undefined;
    const gets = ({ proxy }: Faulty) =>
      proxy.requests.filter(({ operation }) => operation === 'GetObject').length;

    test('spares reading back', async () => {
      await using place = await faulty(heads(checksumOf(large), 'FULL_OBJECT'));
      const { verified } = await place.storage.put(putOf(key, large));
      expect(verified).toContain('CRC-32 of the whole object');
      expect(gets(place)).toBe(0);
    });

    test('is not taken for one when it is a checksum of the parts', async () => {
      await using place = await faulty(heads(`${checksumOf(large)}-3`, 'COMPOSITE'));
      const { verified } = await place.storage.put(putOf(key, large));
      expect(verified).toContain('read back');
      expect(gets(place)).toBe(1);
    });

    test('is sent along where the server keeps it, of every part and of the whole', async () => {
      await using place = await faulty(() => undefined);
      const url = ceph.storageUrl(place.bucket, '', place.proxy.endpoint);
      const storage = s3StorageFor(url, ceph.info.owner, { keepsChecksums: true });
      await storage.put(putOf(key, large));
      await storage.put(putOf('db/id/manifest.json', small));
      const headersOf = (operation: string) =>
        place.proxy.requests
          .filter((request) => request.operation === operation)
          .map(({ headers }) => headers);
      expect(headersOf('CreateMultipartUpload')).toMatchObject([
        { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' },
      ]);
      const partChecksums = [0, 8, 16].map((at) =>
        checksumOf(large.subarray(at * mebibyte, (at + 8) * mebibyte)),
      );
      expect(
        headersOf('UploadPart')
          .map((headers) => headers['x-amz-checksum-crc32'])
          .sort(),
      ).toEqual(partChecksums.sort());
      expect(headersOf('CompleteMultipartUpload')).toMatchObject([
        {
          'if-none-match': '*',
          'x-amz-checksum-type': 'FULL_OBJECT',
          'x-amz-checksum-crc32': checksumOf(large),
          'x-amz-mp-object-size': String(large.length),
        },
      ]);
      expect(headersOf('PutObject')).toMatchObject([
        { 'if-none-match': '*', 'x-amz-checksum-crc32': checksumOf(small) },
      ]);
    });

    test('is not sent to a server that may not know it', async () => {
      await using place = await faulty(() => undefined);
      await place.storage.put(putOf(key, large));
      const names = place.proxy.requests.flatMap(({ headers }) => Object.keys(headers));
      expect(
        names.filter((name) => /checksum-(crc|type|algorithm)|mp-object-size|x-amz-trailer/.test(name)),
      ).toEqual([]);
    });

    test('decides', async () => {
      await using place = await faulty(heads(checksumOf(small), 'FULL_OBJECT'));
      await fails(place, large, 'SM_STORAGE_MISMATCH');
    });
  });

  test('an upload that is stopped while the server hangs ends within 5 s and leaves nothing', async () => {
    for (const operation of ['CreateMultipartUpload', 'UploadPart']) {
      await using place = await faulty(({ operation: passing }) =>
        passing === operation ? { kind: 'hang' } : undefined,
      );
      const controller = new AbortController();
      const put = place.storage.put(putOf(key, large, { body: endless(large), signal: controller.signal }));
      const stopped = expect(put).rejects.toMatchObject({ code: 'SM_STORAGE_STOPPED' });
      await sleep(500);
      const stoppedAt = Date.now();
      controller.abort();
      await stopped;
      expect(Date.now() - stoppedAt).toBeLessThan(5_000);
      expect(await place.everything()).toEqual([]);
    }
  });

  test('an upload that is stopped between two attempts does not wait for the next', async () => {
    await using place = await faulty(
      first('UploadPart', 99, { kind: 'answer', status: 503, body: slowDown }),
    );
    const controller = new AbortController();
    const put = place.storage.put(putOf(key, large, { signal: controller.signal }));
    const stopped = expect(put).rejects.toMatchObject({ code: 'SM_STORAGE_STOPPED' });
    await sleep(3_000);
    const stoppedAt = Date.now();
    controller.abort();
    await stopped;
    expect(Date.now() - stoppedAt).toBeLessThan(2_000);
    expect(await place.everything()).toEqual([]);
  });

  test('a part that fails is told at once, also while the content waits', async () => {
    await using place = await faulty(first('UploadPart', 99, { kind: 'cut', afterBytes: mebibyte }));
    const body = endless(large);
    await fails(place, large, 'SM_STORAGE_UNREACHABLE', { body });
    expect(body.destroyed).toBe(true);
  });

  test('says so when the server is gone and parts may be left', async () => {
    let gone = false;
    await using place = await faulty(({ operation, nth }) => {
      if (operation === 'UploadPart' && nth === 2) gone = true;
      return gone ? { kind: 'cut', afterBytes: 0 } : undefined;
    });
    await expect(place.storage.put(putOf(key, large))).rejects.toMatchObject({
      code: 'SM_STORAGE_UNREACHABLE',
      message: expect.stringContaining('may be left there'),
      hint: expect.stringContaining('lifecycle'),
    });
    expect(await place.everything()).toEqual([`upload of ${key}`]);
  });

  test('a download that breaks off fails in our words', async () => {
    await using place = await faulty(first('GetObject', 99, { kind: 'lose-answer', afterBytes: 500 }));
    const client = ceph.client();
    await client.send(new PutObjectCommand({ Bucket: place.bucket, Key: key, Body: small }));
    client.destroy();
    const body = await place.storage.get(key, never);
    await expect(sha256Of(body)).rejects.toMatchObject({ code: 'SM_STORAGE_UNREACHABLE' });
  });
});
