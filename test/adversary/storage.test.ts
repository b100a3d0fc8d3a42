import { randomBytes } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderManifest, type StoredManifest } from '../../src/backup/manifest/manifest.ts';
import { fetchBackup } from '../../src/backup/stored/fetch-backup.ts';
import { findBackup } from '../../src/backup/stored/find-backup.ts';
import { openBackup } from '../../src/backup/stored/open-backup.ts';
import { listBackups } from '../../src/backup/stored/stored-backups.ts';
import { fileStorage } from '../../src/storage/file/file-storage.ts';
import type { Storage } from '../../src/storage/port/storage.ts';
import { Secret } from '../../src/system/secret.ts';
import { artifactPlace } from '../support/artifact-place.ts';
import { startArtifactService } from '../support/artifact-service.ts';
import { type PassingRequest, startFaultyProxy } from '../support/faulty-proxy.ts';
import { s3Place, s3StorageFor } from '../support/s3-place.ts';
import {
  asVersion1,
  sampleDetails,
  sampleId,
  sampleManifest,
  storeObject,
  storeSample,
} from '../support/sample-manifest.ts';
import { sharedCeph } from '../support/shared-servers.ts';

const signal = new AbortController().signal;
const noKeys = { passphrase: null, identities: [] };
const passphraseKeys = { passphrase: new Secret('correct horse battery staple'), identities: [] };
const older = { takenAt: '20261121_020000' };
const newer = { takenAt: '20261122_020000' };
/** Far beyond what a socket holds on both of its sides, far below what would fill a disk. */
const manyBytes = 32 * 1024 ** 2;

let home: string;
let folder: string;
let local: Storage;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'safe-migrate-storage-'));
  folder = join(home, 'backups');
  await mkdir(folder);
  local = fileStorage({ kind: 'file', directory: folder });
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** As a rollback does it, up to the dump that pg_restore would see. */
async function fetchLatest(
  storage: Storage,
  keys: Parameters<typeof openBackup>[1] = noKeys,
): Promise<Buffer> {
  const work = await mkdtemp(join(home, 'work-'));
  try {
    const options = { folder: work, signal, warn: () => {}, onProgress: () => {} };
    const { backup } = await findBackup([storage], 'erp', 'latest', signal);
    await using fetched = await fetchBackup(await openBackup(backup, keys, options), keys, options);
    return await readFile(fetched.dumpPath);
  } finally {
    expect(await readdir(work)).toEqual([]);
  }
}

const files = (id: string) => join(folder, 'erp', id);

describe('a storage that never comes to an end', () => {
  const endsAt = async (
    storage: Storage,
    endless: { sentBytes: number },
    name: string,
    bound: number,
  ): Promise<void> => {
    endless.sentBytes = 0;
    await expect(fetchLatest(storage), name).rejects.toMatchObject({
      code: name === 'manifest.json' ? 'SM_BACKUP_NOT_FOUND' : 'SM_BACKUP_DAMAGED',
    });
    expect(endless.sentBytes, name).toBeGreaterThan(0);
    expect(endless.sentBytes, name).toBeLessThan(bound);
  };

  it('of S3 or of artifacts, is left at the length that the manifest says, and the manifest at a bound', async () => {
    const ceph = await sharedCeph();
    let name = '';
    const isIt = ({ operation, path }: PassingRequest) => operation === 'GetObject' && path.endsWith(name);
    await using place = await s3Place(ceph, { prefix: 'p' });
    await storeSample(place.storage, newer);
    await using proxy = await startFaultyProxy(ceph.endpoint, (request) =>
      isIt(request) ? { kind: 'endless' } : undefined,
    );
    const storage = s3StorageFor(ceph.storageUrl(place.bucket, 'p', proxy.endpoint), ceph.info.owner);
    for (name of ['database.dump', 'details.json']) await endsAt(storage, proxy.endless, name, manyBytes);
    name = 'manifest.json';
    await endsAt(storage, proxy.endless, name, 64 * 1024 ** 2 + manyBytes);

    await using service = await startArtifactService();
    await using artifacts = await artifactPlace(service);
    await storeSample(artifacts.storage, newer);
    const dump = service.artifacts().find((artifact) => artifact.name.endsWith('database.dump'));
    service.faultOf = (operation) =>
      operation === 'GetBlob' && service.requests.at(-2)?.includes(`/${dump?.id}/`)
        ? { endless: true }
        : undefined;
    await endsAt(artifacts.storage, service.endless, 'database.dump', manyBytes);
  });

  it('of files, is left there as well', async () => {
    await storeSample(local, newer);
    const path = join(files(sampleId(newer)), 'database.dump');
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.alloc(8 * 1024 ** 2)]));
    await expect(fetchLatest(local)).rejects.toMatchObject({
      code: 'SM_BACKUP_DAMAGED',
      message: expect.stringContaining('more than the 8 bytes that its manifest says'),
    });
  });

  it('that says there is more and never gives it is believed in nothing', async () => {
    const ceph = await sharedCeph();
    await using place = await s3Place(ceph, { prefix: 'p' });
    await storeSample(place.storage, newer);
    for (const more of ['', '<NextContinuationToken>again</NextContinuationToken>']) {
      const key = `p/erp/${sampleId(newer)}/`;
      const objects = ['database.dump', 'details.json', 'manifest.json']
        .map((name) => `<Contents><Key>${key}${name}</Key><Size>8</Size></Contents>`)
        .join('');
      const body = `<ListBucketResult><IsTruncated>true</IsTruncated>${more}${objects}</ListBucketResult>`;
      await using proxy = await startFaultyProxy(ceph.endpoint, ({ operation }) =>
        operation === 'ListObjectsV2' ? { kind: 'answer', status: 200, body } : undefined,
      );
      const storage = s3StorageFor(ceph.storageUrl(place.bucket, 'p', proxy.endpoint), ceph.info.owner);
      const { backup, doubts } = await findBackup([storage], 'erp', 'latest', signal);
      expect(backup.id).toBe(sampleId(newer));
      expect(doubts).toEqual([expect.stringMatching(/may hold more than what was listed: the server says/)]);
    }
  });
});

describe('a listing during which something comes or goes', () => {
  it('of artifacts, is read again until it fits together, or casts doubt on what is the latest', async () => {
    await using service = await startArtifactService();
    await using place = await artifactPlace(service);
    await storeSample(place.storage, older);
    await storeSample(place.storage, newer);
    // The newest manifest is the first of the second page.
    const ours = service.artifacts().length;
    for (let number = 0; number < 100; number += 1) service.add(`report-${number}`, Buffer.from('x'));
    expect(service.artifacts()).toHaveLength(ours + 100);
    const onListing = (happens: (nth: number) => void) => {
      let nth = 0;
      service.faultOf = (operation) => {
        if (/^GET .*\/actions\/artifacts$/.test(operation)) {
          nth += 1;
          happens(nth);
        }
        return undefined;
      };
    };
    // It moves to the first page when that has been read already.
    onListing((nth) => nth === 2 && service.delete('report-50'));
    const moved = await findBackup([place.storage], 'erp', 'latest', signal);
    expect([moved.backup.id, moved.doubts]).toEqual([sampleId(newer), []]);
    service.add('report-50', Buffer.from('x'));
    onListing((nth) => nth === 2 && service.add('another', Buffer.from('x')));
    const added = await findBackup([place.storage], 'erp', 'latest', signal);
    expect([added.backup.id, added.doubts]).toEqual([sampleId(newer), []]);

    onListing((nth) => service.add(`without-end-${nth}`, Buffer.from('x')));
    const uncertain = await findBackup([place.storage], 'erp', 'latest', signal);
    expect(uncertain.doubts).toEqual([expect.stringMatching(/may hold more than what was listed/)]);
  });

  it('of a folder, is read again', async () => {
    await storeSample(local, older);
    await storeSample(local, newer);
    // A folder with so many others that it is still being walked through when one of them goes.
    for (let number = 0; number < 300; number += 1) await mkdir(join(folder, 'erp', `x${number}`));
    const listing = findBackup([local], 'erp', 'latest', signal);
    for (let number = 0; number < 300; number += 2)
      await rm(join(folder, 'erp', `x${number}`), { recursive: true });
    expect((await listing).backup.id).toBe(sampleId(newer));
  });

  it.each(['s3', 'file', 'artifact'] as const)(
    'of %s, tells of a newer dump that has no manifest',
    async (kind) => {
      await using service = await startArtifactService();
      await using place = kind === 's3' ? await s3Place(await sharedCeph()) : await artifactPlace(service);
      const storage = kind === 'file' ? local : place.storage;
      await storeSample(storage, older);
      const { takenAt } = newer;
      await storeObject(storage, `erp/backup_${takenAt}Z_before_x/database.dump`, randomBytes(10));
      const found = await findBackup([storage], 'erp', 'latest', signal);
      expect(found.backup.id).toBe(sampleId(older));
      expect(found.warnings).toEqual([expect.stringMatching(/_before_x is newer and has no manifest: /)]);
      expect(found.doubts).toEqual([]);
    },
  );
});

describe('a manifest that was made to deceive', () => {
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const plain = renderManifest(sampleManifest(newer));
  const changed = (changes: Partial<StoredManifest>) => renderManifest(sampleManifest({ ...newer, changes }));
  const bomb = () =>
    JSON.stringify({
      ...asVersion1(sampleManifest(newer), sampleDetails(newer)),
      schema: {
        encoding: 'gzip+base64',
        text: Buffer.concat(Array(600).fill(gzipSync(Buffer.alloc(1024 ** 2)))).toString('base64'),
        hasPublic: true,
      },
    });

  it.each<readonly [string, () => string, RegExp]>([
    ['deep', () => deep(500_000), /has no format version/],
    ['deep in its version', () => `{"formatVersion": ${deep(500_000)}}`, /has the format version/],
    [
      'deep in a member',
      () => plain.replace('"createdAt"', `"more": ${deep(500_000)}, "id": ${deep(10)}, "createdAt"`),
      /id is not as it should be/,
    ],
    ['huge', () => `"${'x'.repeat(65 * 1024 ** 2)}"`, /far too large/],
    ['a prototype', () => '{"__proto__": {"formatVersion": 2}}', /has no format version/],
    [
      'of a prototype',
      () => plain.replace('"formatVersion": 2', '"__proto__": {"formatVersion": 2}'),
      /has no format version/,
    ],
    ['another backup’s', () => renderManifest(sampleManifest(older)), /is that of another backup/],
    [
      'another database’s',
      () => changed({ database: { name: 'shop', sizeBytes: 1 } }),
      /is that of another database/,
    ],
    [
      'one that climbs',
      () => changed({ file: { ...sampleManifest(newer).file, name: '../../x' as 'database.dump' } }),
      /file.name is not as it should be/,
    ],
    ['half plain', () => changed({ encryption: { kind: 'passphrase' } }), /file is not as it should be/],
    [
      'half encrypted',
      () => changed({ details: { ...sampleManifest(newer).details, name: 'details.json.age' } }),
      /details is not as it should be/,
    ],
    [
      'of a negative length',
      () => changed({ file: { ...sampleManifest(newer).file, sizeBytes: 1e300 } }),
      /file.sizeBytes/,
    ],
  ])('(%s) is told and hides no other', async (_how, text, says) => {
    await storeSample(local, older);
    const folderOfNewer = `erp/${sampleId(newer)}`;
    await storeObject(local, `${folderOfNewer}/manifest.json`, Buffer.from(text()));
    const found = await findBackup([local], 'erp', 'latest', signal);
    expect(found.backup.id).toBe(sampleId(older));
    expect(found.doubts).toEqual([expect.stringMatching(says)]);
    expect(found.doubts[0]?.length).toBeLessThan(1000);
  });

  it('with a bomb in its schema ends at a bound', async () => {
    await storeObject(local, `erp/${sampleId(newer)}/manifest.json`, Buffer.from(bomb()));
    await expect(fetchLatest(local)).rejects.toMatchObject({
      code: 'SM_BACKUP_DAMAGED',
      message: expect.stringContaining('cannot be unpacked'),
    });
  });

  it('is refused where a passphrase is given, in whichever version it says that there is none', async () => {
    await storeSample(local, newer);
    await expect(fetchLatest(local, passphraseKeys)).rejects.toMatchObject({
      code: 'SM_MANIFEST_NOT_AUTHENTIC',
    });
    await rm(join(files(sampleId(newer)), 'manifest.json'));
    const old = JSON.stringify(asVersion1(sampleManifest(newer), sampleDetails(newer)));
    await storeObject(local, `erp/${sampleId(newer)}/manifest.json`, Buffer.from(old));
    await expect(fetchLatest(local, passphraseKeys)).rejects.toMatchObject({
      code: 'SM_MANIFEST_NOT_AUTHENTIC',
    });
  });
});

describe('links in a folder of backups', () => {
  it('are neither listed nor followed, so that no file of the machine becomes a backup', async () => {
    await storeSample(local, older);
    await storeSample(local, newer);
    const path = files(sampleId(newer));
    for (const name of ['manifest.json', 'details.json', 'database.dump']) {
      await rename(join(path, name), join(home, name));
      await symlink(join(home, name), join(path, name));
    }
    await symlink(home, join(folder, 'erp', 'backup_20261123_020000Z_x'));
    expect((await listBackups([local], 'erp', { signal })).backups.map(({ id }) => id)).toEqual([
      sampleId(older),
    ]);
    await expect(local.get(`erp/${sampleId(newer)}/manifest.json`, signal)).rejects.toMatchObject({
      code: 'SM_STORAGE_NOT_FOUND',
    });
    // A name of the same file is a file.
    await rm(join(path, 'manifest.json'));
    await link(join(home, 'manifest.json'), join(path, 'manifest.json'));
    await expect(fetchLatest(local)).rejects.toMatchObject({ code: 'SM_BACKUP_DAMAGED' });
  });

  it('in the work folder are not written through', async () => {
    await storeSample(local, newer);
    await writeFile(join(home, 'precious'), 'precious');
    const work = await mkdtemp(join(home, 'work-'));
    await symlink(join(home, 'precious'), join(work, 'database.dump'));
    const options = { folder: work, signal, warn: () => {}, onProgress: () => {} };
    const { backup } = await findBackup([local], 'erp', 'latest', signal);
    await expect(
      openBackup(backup, noKeys, options).then((opened) => fetchBackup(opened, noKeys, options)),
    ).rejects.toMatchObject({ code: 'SM_DISK' });
    expect(await readFile(join(home, 'precious'), 'utf8')).toBe('precious');
  });
});

describe('an artifact with a name that climbs', () => {
  it.each(['..~..~etc', 'erp~..~x~manifest.json', 'erp~=2E=2E~x', 'erp~x=2F..=2F..~y', 'erp~~x'])(
    '%s is none of ours',
    async (name) => {
      await using service = await startArtifactService();
      await using place = await artifactPlace(service);
      service.add(`safe-migrate~164-1~${name}`, Buffer.from('x'), { runId: '164' });
      const keys = (await place.storage.list('', signal)).map(({ key }) => key);
      expect(keys.filter((key) => key.split('/').some((part) => ['', '.', '..'].includes(part)))).toEqual([]);
    },
  );
});
