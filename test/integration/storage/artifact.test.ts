import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ArtifactAccess } from '../../../src/storage/artifact/artifact-access.ts';
import { sha256Of } from '../../../src/storage/port/sha256-of.ts';
import type { StorageUse } from '../../../src/storage/port/storage-use.ts';
import { Secret } from '../../../src/system/secret.ts';
import { artifactPlace } from '../../support/artifact-place.ts';
import {
  type ArtifactService,
  type ServiceFault,
  startArtifactService,
} from '../../support/artifact-service.ts';
import { describeStorageContract, mebibyte, putOf } from '../../support/storage-contract.ts';

const never = new AbortController().signal;

describeStorageContract('artifact://', async () => {
  const service = await startArtifactService();
  const place = await artifactPlace(service);
  return {
    ...place,
    [Symbol.asyncDispose]: async () => {
      await place[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
});

/** Files, not links to files. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

describe('artifact://', () => {
  const key = 'erp/backup_20261122_142500Z_scheduled/database.dump';
  let service: ArtifactService;

  beforeAll(async () => {
    service = await startArtifactService();
  });
  beforeEach(() => {
    service.clear();
    service.faultOf = () => undefined;
    Object.assign(service.settings, { isPrivate: true, permission: 'write', maximumRetentionDays: 90 });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const inRun = (access: Partial<ArtifactAccess>, use: Partial<StorageUse> = {}, plaintextAllowed = false) =>
    artifactPlace(service, { access, use, plaintextAllowed });
  const read = async (body: Readable) => Buffer.concat(await body.toArray());

  test('is found again by another run, byte for byte', async () => {
    const bytes = randomBytes(20 * mebibyte);
    await using first = await inRun({ runId: '1' });
    await first.storage.put(putOf(key, bytes));
    await using second = await inRun({ runId: '2' });
    expect(await second.storage.list('erp/', never)).toMatchObject([{ key, sizeBytes: bytes.length }]);
    expect((await read(await second.storage.get(key, never))).equals(bytes)).toBe(true);
  });

  test('names run and attempt, and holds the file as it is', async () => {
    const bytes = randomBytes(1000);
    await using place = await inRun({ runId: '164', attempt: 2 });
    await place.storage.put(putOf(key, bytes));
    expect(service.artifacts()).toMatchObject([
      { name: 'safe-migrate~164-2~erp~backup_20261122_142500Z_scheduled~database.dump', content: bytes },
    ]);
  });

  test('sends a file that lies on disk already, without a copy of it', async () => {
    const bytes = randomBytes(12 * mebibyte);
    await using place = await inRun({});
    const path = join(place.workFolder, 'database.dump');
    await writeFile(path, bytes, { mode: 0o600 });
    let lying: readonly string[] = [];
    service.faultOf = (operation) => {
      if (operation === 'FinalizeArtifact') lying = filesBelow(place.workFolder);
      return undefined;
    };
    await place.storage.put({ ...putOf(key, bytes), path });
    expect(lying).toEqual(['database.dump']);
    expect(service.artifacts()[0]?.content.equals(bytes)).toBe(true);
    expect(await readdir(place.workFolder)).toEqual(['database.dump']);
  });

  test('takes back what changed on disk while it was sent', async () => {
    const bytes = randomBytes(1000);
    await using place = await inRun({});
    const path = join(place.workFolder, 'database.dump');
    await writeFile(path, randomBytes(1000));
    await expect(place.storage.put({ ...putOf(key, bytes), path })).rejects.toMatchObject({
      code: 'SM_STORAGE_MISMATCH',
    });
    expect(service.artifacts()).toEqual([]);
  });

  test('does not overwrite what an earlier attempt of the run stored, and gives the newest', async () => {
    const [first, second] = [randomBytes(10), randomBytes(10)];
    await using one = await inRun({ runId: '1', attempt: 1 });
    await using two = await inRun({ runId: '1', attempt: 2 });
    await one.storage.put(putOf(key, first));
    await two.storage.put(putOf(key, second));
    expect(service.artifacts()).toHaveLength(2);
    expect((await read(await one.storage.get(key, never))).equals(second)).toBe(true);
    expect(await one.storage.list('', never)).toHaveLength(1);
    await one.storage.remove(key, never);
    expect(service.artifacts()).toEqual([]);
  });

  test('is found among thousands of artifacts that are not ours', async () => {
    await using place = await inRun({});
    await place.storage.put(putOf(key, Buffer.from('x')));
    for (let number = 0; number < 2000; number += 1) service.add(`report-${number}`, Buffer.from('x'));
    await using other = await artifactPlace(service, { access: { runId: '9' } });
    for (const name of ['a', 'b'])
      await other.storage.put(putOf(`shop/${name}/manifest.json`, Buffer.from(name)));
    expect((await place.storage.list('erp/', never)).map((object) => object.key)).toEqual([key]);
    expect(await place.storage.list('', never)).toHaveLength(3);
  });

  test('is never taken from a pull request of a fork, nor from a run that its name does not tell', async () => {
    await using place = await inRun({ runId: '1' });
    const ours = randomBytes(100);
    await place.storage.put(putOf(key, ours));
    const [{ name = '' } = {}] = service.artifacts();
    service.add(name.replace('~1-1~', '~7-1~'), Buffer.from('a fork’s'), { runId: '7', isFromFork: true });
    service.add(name, Buffer.from('another run’s'), { runId: '8' });
    service.add(name.replace('backup_2026', 'backup_2027'), Buffer.from('x'), {
      runId: '1',
      isFromFork: true,
    });
    expect((await place.storage.list('', never)).map((object) => object.key)).toEqual([key]);
    expect((await read(await place.storage.get(key, never))).equals(ours)).toBe(true);
    // Nor removed.
    await place.storage.remove(key, never);
    expect(service.artifacts()).toHaveLength(3);
  });

  test('is removed without listing the repository again and again', async () => {
    await using place = await inRun({ runId: '1' });
    const keys = ['a', 'b', 'c', 'd'].map((id) => `erp/${id}/manifest.json`);
    for (const each of keys) await place.storage.put(putOf(each, Buffer.from('x')));
    await place.storage.list('', never);
    const before = service.requests.length;
    await using other = await inRun({ runId: '2' });
    await other.storage.list('', never);
    for (const each of keys) await other.storage.remove(each, never);
    expect(
      service.requests.slice(before).filter((request) => /^GET .*\/actions\/artifacts$/.test(request)),
    ).toHaveLength(1);
    expect(service.artifacts()).toEqual([]);
  });

  describe('retention', () => {
    test('is asked for and read back', async () => {
      await using place = await inRun({}, { retentionDays: 30 });
      const { verified } = await place.storage.put(putOf(key, Buffer.from('x')));
      expect(verified).toMatch(
        /^read back, length and SHA-256 equal; kept for 30 days, until \d{4}-\d\d-\d\d$/,
      );
    });

    test('that was cut without a word is told, before and after', async () => {
      service.settings.maximumRetentionDays = 14;
      await using place = await inRun({ maximumRetentionDays: 14 }, { retentionDays: 30 });
      expect(await place.storage.check(never)).toEqual([
        expect.stringContaining('keeps artifacts for 14 days at most, not for 30'),
      ]);
      const { verified } = await place.storage.put(putOf(key, Buffer.from('x')));
      expect(verified).toMatch(/kept for 14 days only, until .*, because the repository grants no more$/);
    });

    test('that cannot be read back is not claimed', async () => {
      service.settings.permission = 'none';
      await using place = await inRun({}, { retentionDays: 7 });
      const { verified } = await place.storage.put(putOf(key, Buffer.from('x')));
      expect(verified).toMatch(/asked to be kept for 7 days \(what was granted needs `actions: read`/);
    });
  });

  describe('without a permission', () => {
    test('a run stores, reads and takes back its own', async () => {
      service.settings.permission = 'none';
      await using place = await inRun({});
      expect(await place.storage.check(never)).toEqual([]);
      await place.storage.put(putOf(key, Buffer.from('mine')));
      expect((await read(await place.storage.get(key, never))).toString()).toBe('mine');
      await place.storage.remove(key, never);
      expect(service.artifacts()).toEqual([]);
    });

    test('the permission that is missing is named', async () => {
      await using first = await inRun({ runId: '1' });
      await first.storage.put(putOf(key, Buffer.from('x')));
      await using second = await inRun({ runId: '2' });
      service.settings.permission = 'none';
      const mayNotRead = { code: 'SM_STORAGE_FORBIDDEN', hint: expect.stringContaining('`actions: read`') };
      await expect(second.storage.list('', never)).rejects.toMatchObject(mayNotRead);
      await expect(second.storage.get(key, never)).rejects.toMatchObject(mayNotRead);
      service.settings.permission = 'read';
      await expect(second.storage.remove(key, never)).rejects.toMatchObject({
        code: 'SM_STORAGE_FORBIDDEN',
        hint: expect.stringContaining('`actions: write`'),
      });
      expect(service.artifacts()).toHaveLength(1);
    });
  });

  describe('what is no longer what was stored', () => {
    const name = 'safe-migrate~164-1~erp~backup_20261122_142500Z_scheduled~database.dump';
    const bytes = randomBytes(3 * mebibyte);
    const stored = async () => {
      const place = await inRun({});
      await place.storage.put(putOf(key, bytes));
      return place;
    };

    test('expired: listed as such, and not given', async () => {
      await using place = await stored();
      service.expire(name);
      expect(await place.storage.list('', never)).toMatchObject([
        { key, expiredAt: expect.stringMatching(/^\d{4}-/) },
      ]);
      await expect(place.storage.get(key, never)).rejects.toMatchObject({
        code: 'SM_STORAGE_NOT_FOUND',
        message: expect.stringContaining('expired on '),
      });
    });

    test('expired or deleted since it was listed', async () => {
      await using place = await stored();
      await place.storage.list('', never);
      service.expire(name);
      await expect(place.storage.get(key, never)).rejects.toMatchObject({ code: 'SM_STORAGE_NOT_FOUND' });
      service.delete(name);
      await expect(place.storage.get(key, never)).rejects.toMatchObject({ code: 'SM_STORAGE_NOT_FOUND' });
    });

    test.each([
      ['truncated', (content: Buffer) => content.subarray(0, -1)],
      [
        'one bit flipped',
        (content: Buffer) => {
          content[1_000_000] = (content[1_000_000] ?? 0) ^ 1;
          return content;
        },
      ],
    ])('%s: noticed by its digest', async (_how, change) => {
      await using place = await stored();
      service.tamper(name, change);
      await expect(sha256Of(await place.storage.get(key, never))).rejects.toMatchObject({
        code: 'SM_STORAGE_DAMAGED',
        message: expect.stringContaining('is not what was uploaded'),
      });
    });

    test('a listing and an opening that fail once are asked for again', async () => {
      await using _place = await stored();
      await using later = await inRun({ runId: '2' });
      const failures: readonly ServiceFault[] = [
        { status: 500 },
        { status: 502 },
        { cutAfterBytes: 20 },
        { status: 429, headers: { 'retry-after': '1' } },
        { status: 403, headers: { 'retry-after': '1' } },
      ];
      for (const fault of failures) {
        const asked = new Map<string, number>();
        service.faultOf = (operation) => {
          asked.set(operation, (asked.get(operation) ?? 0) + 1);
          return /^GET .*\/actions\/artifacts/.test(operation) && asked.get(operation) === 1
            ? fault
            : undefined;
        };
        const begun = Date.now();
        expect(await later.storage.list('', never), JSON.stringify(fault)).toMatchObject([{ key }]);
        if ('headers' in fault) expect(Date.now() - begun).toBeGreaterThan(990);
        expect((await read(await later.storage.get(key, never))).equals(bytes)).toBe(true);
      }
    });

    test('a service that goes on failing, or asks for an hour, is told at last', async () => {
      await using _place = await stored();
      await using later = await inRun({ runId: '2' });
      service.faultOf = (operation) => (operation.startsWith('GET') ? { status: 500 } : undefined);
      await expect(later.storage.list('', never)).rejects.toMatchObject({ code: 'SM_STORAGE_FAILED' });
      service.faultOf = (operation) =>
        operation.startsWith('GET') ? { status: 429, headers: { 'retry-after': '3600' } } : undefined;
      const begun = Date.now();
      await expect(later.storage.list('', never)).rejects.toMatchObject({
        code: 'SM_STORAGE_FAILED',
        message: expect.stringContaining('no more requests'),
      });
      expect(Date.now() - begun).toBeLessThan(5_000);
    });

    test('waiting for the next attempt ends when the run is stopped', async () => {
      await using _place = await stored();
      await using later = await inRun({ runId: '2' });
      service.faultOf = (operation) =>
        operation.startsWith('GET') ? { status: 429, headers: { 'retry-after': '50' } } : undefined;
      const controller = new AbortController();
      const listed = expect(later.storage.list('', controller.signal)).rejects.toMatchObject({
        code: 'SM_STORAGE_STOPPED',
      });
      setTimeout(() => controller.abort(), 500);
      await listed;
    });

    test('a download that breaks off', async () => {
      await using place = await stored();
      service.faultOf = (operation) => (operation === 'GetBlob' ? { cutAfterBytes: 1_000_000 } : undefined);
      await expect(sha256Of(await place.storage.get(key, never))).rejects.toMatchObject({
        code: expect.stringMatching(/^SM_STORAGE_(FAILED|UNREACHABLE)$/),
      });
    });

    test('held wrongly right after the upload: taken back', async () => {
      await using place = await inRun({});
      service.faultOf = (operation) => {
        if (operation === 'GetSignedArtifactURL') service.tamper(name, (content) => content.subarray(1));
        return undefined;
      };
      await expect(place.storage.put(putOf(key, bytes))).rejects.toMatchObject({
        code: 'SM_STORAGE_MISMATCH',
      });
      expect(service.artifacts()).toEqual([]);
    });
  });

  test('keeps nothing when it is stopped in the middle of the upload, within 5 s', async () => {
    const bytes = randomBytes(20 * mebibyte);
    await using place = await inRun({});
    const controller = new AbortController();
    const { promise: uploading, resolve } = Promise.withResolvers<void>();
    service.faultOf = (operation) => {
      if (operation !== 'PutBlockList') return undefined;
      resolve();
      return { hang: true };
    };
    const put = place.storage.put(putOf(key, bytes, { signal: controller.signal }));
    const stopped = expect(put).rejects.toMatchObject({ code: 'SM_STORAGE_STOPPED' });
    await uploading;
    const stoppedAt = Date.now();
    controller.abort();
    await stopped;
    expect(Date.now() - stoppedAt).toBeLessThan(5_000);
    expect(await place.everything()).toEqual([]);
  });

  test.each([
    [403, 'SM_STORAGE_FORBIDDEN'],
    [400, 'SM_STORAGE_FAILED'],
  ])('tells an answer of %i to an upload', async (status, code) => {
    await using place = await inRun({});
    service.faultOf = (operation) => (operation === 'CreateArtifact' ? { status } : undefined);
    await expect(place.storage.put(putOf(key, Buffer.from('x')))).rejects.toMatchObject({ code });
    expect(await place.everything()).toEqual([]);
  });

  describe('the check', () => {
    const plaintext = { isEncrypted: false };

    test('refuses a server of GitHub Enterprise, and what is no job', async () => {
      await using enterprise = await inRun({ serverUrl: 'https://git.example.com' });
      await expect(enterprise.storage.check(never)).rejects.toMatchObject({
        code: 'SM_ARTIFACT_UNAVAILABLE',
        message: expect.stringContaining('GitHub Enterprise Server (git.example.com)'),
      });
      await using nowhere = await inRun({ repository: null });
      await expect(nowhere.storage.check(never)).rejects.toMatchObject({ code: 'SM_ARTIFACT_UNAVAILABLE' });
      await using script = await inRun({ service: null });
      await expect(script.storage.check(never)).rejects.toMatchObject({
        code: 'SM_ARTIFACT_UNAVAILABLE',
        hint: expect.stringContaining('`uses:`'),
      });
      const foreign = { url: service.url, token: new Secret('a token of another kind of runner') };
      await using lookalike = await inRun({ service: foreign });
      await expect(lookalike.storage.check(never)).rejects.toMatchObject({ code: 'SM_ARTIFACT_UNAVAILABLE' });
      await using cloud = await inRun({ serverUrl: 'https://applizor.ghe.com' });
      expect(await cloud.storage.check(never)).toEqual([]);
    });

    test('refuses what is not encrypted unless every reader may see it', async () => {
      await using place = await inRun({}, plaintext);
      await expect(place.storage.check(never)).rejects.toMatchObject({
        code: 'SM_ARTIFACT_PLAINTEXT',
        hint: expect.stringMatching(
          /openssl rand -base64 32 .*gh secret set SAFE_MIGRATE_PASSPHRASE --repo applizor\/erp/,
        ),
      });
      await using allowed = await inRun({}, plaintext, true);
      expect(await allowed.storage.check(never)).toEqual([]);
    });

    test('refuses what is not encrypted in a public repository, always', async () => {
      await using told = await inRun({ isPublic: true }, plaintext, true);
      await expect(told.storage.check(never)).rejects.toMatchObject({ code: 'SM_ARTIFACT_PUBLIC' });
      // The event of a schedule may not say; then GitHub is asked.
      service.settings.isPrivate = false;
      await using asked = await inRun({ isPublic: null }, plaintext, true);
      await expect(asked.storage.check(never)).rejects.toMatchObject({ code: 'SM_ARTIFACT_PUBLIC' });
      service.settings.isPrivate = true;
      expect(await asked.storage.check(never)).toEqual([]);
      // Where nobody tells, the worse is assumed.
      await using unknown = await inRun({ isPublic: null, token: null }, plaintext, true);
      await expect(unknown.storage.check(never)).rejects.toMatchObject({ code: 'SM_ARTIFACT_PUBLIC' });
      await using encrypted = await inRun({ isPublic: true });
      expect(await encrypted.storage.check(never)).toEqual([]);
    });

    test('notices a job that the service does not know', async () => {
      await using place = await inRun({});
      service.faultOf = (operation) => (operation === 'ListArtifacts' ? { status: 401 } : undefined);
      await expect(place.storage.check(never)).rejects.toMatchObject({ code: 'SM_STORAGE_CREDENTIALS' });
    });
  });

  test('never gives the token of the workflow to where the content lies', async () => {
    await using place = await inRun({});
    await place.storage.put(putOf(key, Buffer.from('x')));
    expect((await read(await place.storage.get(key, never))).toString()).toBe('x');
    // By the job's token when it was read back, by the workflow's in get().
    expect(service.blobTokens).toEqual([]);
    expect(service.requests.filter((operation) => operation === 'GetBlob').length).toBeGreaterThan(1);
  });
});
