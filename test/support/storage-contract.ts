import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BackupLocation } from '../../src/report/report.ts';
import { sha256Of } from '../../src/storage/port/sha256-of.ts';
import type { ExpectedContent, PutRequest, Storage } from '../../src/storage/port/storage.ts';

/** A place of its own for one storage, looked at behind the storage's back. */
export interface StoragePlace extends AsyncDisposable {
  readonly storage: Storage;
  /** Whatever is held there, whole or not: objects, parts of uploads, temporary files, folders. */
  everything(): Promise<readonly string[]>;
  /** Makes the place empty. */
  clear(): Promise<void>;
}

export const mebibyte = 1024 ** 2;

export function contentOf(bytes: Buffer): ExpectedContent {
  return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** A put of `bytes` that is right in every respect but for what `changes` says. */
export function putOf(key: string, bytes: Buffer, changes: Partial<PutRequest> = {}): PutRequest {
  return {
    key,
    body: Readable.from(chunksOf(bytes)),
    estimatedBytes: bytes.length,
    expected: Promise.resolve(contentOf(bytes)),
    signal: AbortSignal.timeout(60_000),
    ...changes,
  };
}

function* chunksOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

/** A body that gives `bytes` and then neither ends nor fails. */
export function endless(bytes: Buffer): Readable {
  const chunks = chunksOf(bytes);
  return new Readable({
    read() {
      const { value } = chunks.next();
      if (value) this.push(value);
    },
  });
}

/** What every storage owes its callers, see src/storage/port/storage.ts. Runs against a real one. */
export function describeStorageContract(name: string, open: () => Promise<StoragePlace>): void {
  describe(`${name}: the storage contract`, () => {
    const never = new AbortController().signal;
    let place: StoragePlace;
    let storage: Storage;

    beforeAll(async () => {
      place = await open();
      storage = place.storage;
    });
    beforeEach(() => place.clear());
    afterAll(() => place[Symbol.asyncDispose]());

    const read = async (key: string): Promise<Buffer> =>
      Buffer.concat(await (await storage.get(key, never)).toArray());

    test.each([
      ['nothing', 0],
      ['one byte', 1],
      ['one request', 300_000],
      ['several parts', 20 * mebibyte + 7],
      ['exactly two parts', 16 * mebibyte],
    ])('holds %s and gives it back', async (_size, sizeBytes) => {
      const bytes = randomBytes(sizeBytes);
      const sent: number[] = [];
      const location: BackupLocation = await storage.put(
        putOf('db/id/database.dump', bytes, { onProgress: (sentBytes) => sent.push(sentBytes) }),
      );
      expect(location.storage).toBe(storage.kind);
      expect(location.url).toBe(`${storage.url}/db/id/database.dump`);
      expect(location.verified).not.toBe('');
      expect((await read('db/id/database.dump')).equals(bytes)).toBe(true);
      if (sizeBytes > 0) expect(sent.at(-1)).toBe(sizeBytes);
      expect(sent).toEqual(sent.toSorted((a, b) => a - b));
      const [object, ...others] = await storage.list('db/', never);
      expect(others).toEqual([]);
      expect(object).toMatchObject({ key: 'db/id/database.dump', sizeBytes });
      expect(Math.abs(Date.parse(object?.modifiedAt ?? '') - Date.now())).toBeLessThan(60_000);
    });

    test('holds what turns out larger than estimated', async () => {
      const bytes = randomBytes(20 * mebibyte);
      await storage.put(putOf('db/id/database.dump', bytes, { estimatedBytes: 1000 }));
      expect((await read('db/id/database.dump')).equals(bytes)).toBe(true);
    });

    test('passes its check, which leaves nothing', async () => {
      expect(await storage.check(never)).toEqual([]);
      expect(await place.everything()).toEqual([]);
    });

    test('takes a body as slowly as it comes', async () => {
      const bytes = randomBytes(12 * mebibyte);
      const slow = async function* (): AsyncGenerator<Buffer> {
        yield bytes.subarray(0, 9 * mebibyte);
        await sleep(300);
        yield bytes.subarray(9 * mebibyte);
        await sleep(300);
      };
      await storage.put(
        putOf('db/id/database.dump', bytes, { body: Readable.from(slow(), { objectMode: false }) }),
      );
      expect((await read('db/id/database.dump')).equals(bytes)).toBe(true);
    });

    const oddKeys = [
      'with space/and + plus/a%20b%2F',
      'ünïcödé/数据库/😀',
      `quotes/'single' "double"/back\\slash`,
      'markup/<a>&amp;/]]>',
      'signs/#?=:;,@$!*()[]{}|^~`',
      '...dots/..hidden/trailing.',
    ];

    test('lists what starts with a prefix, sorted, whatever the keys look like', async () => {
      const keys = [...oddKeys, 'db/b', 'db/a', 'db/a/c'].filter((key) => key !== 'db/a');
      for (const key of keys) await storage.put(putOf(key, Buffer.from(key)));
      const listed = async (prefix: string) => (await storage.list(prefix, never)).map(({ key }) => key);
      expect(await listed('')).toEqual(keys.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(await listed('db/')).toEqual(['db/a/c', 'db/b']);
      expect(await listed('db/a')).toEqual(['db/a/c']);
      expect(await listed('with space/and + plus/a%20')).toEqual(['with space/and + plus/a%20b%2F']);
      expect(await listed('nowhere/')).toEqual([]);
      for (const key of keys) expect((await read(key)).toString()).toBe(key);
      for (const key of keys) await storage.remove(key, never);
      expect(await place.everything()).toEqual([]);
    });

    test.each([
      '',
      '/',
      'a//b',
      '/a',
      'a/',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a\nb',
      'a\0b',
      'x'.repeat(1100),
    ])('refuses the key %j', async (key) => {
      const refused = { code: 'SM_STORAGE_KEY' };
      await expect(storage.put(putOf(key, Buffer.from('x')))).rejects.toMatchObject(refused);
      await expect(storage.get(key, never)).rejects.toMatchObject(refused);
      await expect(storage.remove(key, never)).rejects.toMatchObject(refused);
      expect(await place.everything()).toEqual([]);
    });

    test('says that an object is not there', async () => {
      await storage.put(putOf('db/id/database.dump', Buffer.from('x')));
      for (const key of ['db/id/manifest.json', 'db/id', 'other']) {
        await expect(storage.get(key, never)).rejects.toMatchObject({ code: 'SM_STORAGE_NOT_FOUND' });
      }
    });

    test('removes one object and only that, and does not mind when it is gone', async () => {
      await storage.put(putOf('db/id/database.dump', Buffer.from('x')));
      await storage.put(putOf('db/id/manifest.json', Buffer.from('y')));
      await storage.remove('db/id/database.dump', never);
      await storage.remove('db/id/database.dump', never);
      await storage.remove('db/other/database.dump', never);
      expect((await storage.list('', never)).map(({ key }) => key)).toEqual(['db/id/manifest.json']);
    });

    test.each([
      ['small', 10],
      ['large', 12 * mebibyte],
    ])('never replaces an object (%s)', async (_size, sizeBytes) => {
      const first = randomBytes(sizeBytes);
      await storage.put(putOf('db/id/database.dump', first));
      const held = await place.everything();
      await expect(storage.put(putOf('db/id/database.dump', randomBytes(sizeBytes)))).rejects.toMatchObject({
        code: 'SM_STORAGE_EXISTS',
      });
      expect((await read('db/id/database.dump')).equals(first)).toBe(true);
      expect(await place.everything()).toEqual(held);
    });

    test.each([
      ['small', 10, 0],
      // Not at the very same moment: servers that ignore If-None-Match on Complete exist (radosgw 16.2).
      ['large', 12 * mebibyte, 700],
    ])('gives a key to one of two that want it at once (%s)', async (_size, sizeBytes, laterMs) => {
      const first = randomBytes(sizeBytes);
      const second = randomBytes(sizeBytes);
      const late = async function* (): AsyncGenerator<Buffer> {
        yield* chunksOf(second.subarray(1));
        await sleep(laterMs);
        yield second.subarray(0, 1);
      };
      const reordered = Buffer.concat([second.subarray(1), second.subarray(0, 1)]);
      const puts = await Promise.allSettled([
        storage.put(putOf('db/id/database.dump', first)),
        storage.put(
          putOf('db/id/database.dump', reordered, { body: Readable.from(late(), { objectMode: false }) }),
        ),
      ]);
      expect(puts.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(puts.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'SM_STORAGE_EXISTS' },
      });
      const winner = puts[0].status === 'fulfilled' ? first : reordered;
      expect((await read('db/id/database.dump')).equals(winner)).toBe(true);
      expect((await place.everything()).filter((name) => !name.endsWith('/'))).toHaveLength(1);
    });

    test('takes two objects at once', async () => {
      const contents = {
        'db/1/database.dump': randomBytes(12 * mebibyte),
        'db/2/database.dump': randomBytes(99),
      };
      await Promise.all(Object.entries(contents).map(([key, bytes]) => storage.put(putOf(key, bytes))));
      for (const [key, bytes] of Object.entries(contents)) expect((await read(key)).equals(bytes)).toBe(true);
    });

    test.each([
      ['at once', 0],
      ['early', 1000],
      ['late', 18 * mebibyte],
    ])('keeps nothing of a body that fails %s', async (_when, sizeBytes) => {
      const bytes = randomBytes(20 * mebibyte);
      const failing = async function* (): AsyncGenerator<Buffer> {
        yield* chunksOf(bytes.subarray(0, sizeBytes));
        throw new Error('pg_dump ended with 1');
      };
      const body = Readable.from(failing(), { objectMode: false });
      await expect(storage.put(putOf('db/id/database.dump', bytes, { body }))).rejects.toMatchObject({
        code: 'SM_STORAGE_FAILED',
        message: expect.stringContaining('pg_dump ended with 1'),
      });
      expect(await place.everything()).toEqual([]);
    });

    test.each([
      ['before it begins', 0],
      ['early', 1000],
      ['late', 18 * mebibyte],
    ])('keeps nothing when it is stopped %s, within 5 s', async (_when, sizeBytes) => {
      const controller = new AbortController();
      if (sizeBytes === 0) controller.abort();
      const body = endless(randomBytes(sizeBytes));
      const bytes = randomBytes(20 * mebibyte);
      const put = storage.put(putOf('db/id/database.dump', bytes, { body, signal: controller.signal }));
      const stopped = expect(put).rejects.toMatchObject({ code: 'SM_STORAGE_STOPPED' });
      await sleep(300);
      const stoppedAt = Date.now();
      controller.abort();
      await stopped;
      expect(Date.now() - stoppedAt).toBeLessThan(5_000);
      expect(body.destroyed).toBe(true);
      expect(await place.everything()).toEqual([]);
    });

    test('keeps nothing when the expectation fails', async () => {
      const bytes = randomBytes(12 * mebibyte);
      const expected = Promise.reject(new Error('the dump broke off'));
      expected.catch(() => {});
      await expect(storage.put(putOf('db/id/database.dump', bytes, { expected }))).rejects.toThrow();
      expect(await place.everything()).toEqual([]);
    });

    test.each([
      ['small and shorter', 1000, (bytes: Buffer) => bytes.subarray(1)],
      ['small and different', 1000, () => randomBytes(1000)],
      ['large and shorter', 12 * mebibyte, (bytes: Buffer) => bytes.subarray(1)],
      ['large and different', 12 * mebibyte, () => randomBytes(12 * mebibyte)],
    ])('keeps nothing of a body that is not what was expected: %s', async (_how, sizeBytes, wrong) => {
      const bytes = randomBytes(sizeBytes);
      const body = Readable.from(chunksOf(wrong(bytes)));
      await expect(storage.put(putOf('db/id/database.dump', bytes, { body }))).rejects.toMatchObject({
        code: 'SM_STORAGE_MISMATCH',
      });
      expect(await place.everything()).toEqual([]);
    });

    test('stops reading when it is told to', async () => {
      const bytes = randomBytes(12 * mebibyte);
      await storage.put(putOf('db/id/database.dump', bytes));
      const controller = new AbortController();
      const body = await storage.get('db/id/database.dump', controller.signal);
      const reading = expect(sha256Of(body)).rejects.toThrow();
      controller.abort();
      await reading;
      expect(body.destroyed).toBe(true);
      await expect(storage.list('', controller.signal)).rejects.toMatchObject({ code: 'SM_STORAGE_STOPPED' });
    });
  });
}
