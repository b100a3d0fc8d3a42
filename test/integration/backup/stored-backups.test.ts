import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderManifest } from '../../../src/backup/manifest/manifest.ts';
import { findBackup } from '../../../src/backup/stored/find-backup.ts';
import { listBackups } from '../../../src/backup/stored/stored-backups.ts';
import { fileStorage } from '../../../src/storage/file/file-storage.ts';
import type { Storage } from '../../../src/storage/port/storage.ts';
import { sampleId, sampleManifest, storeObject, storeSample } from '../../support/sample-manifest.ts';

const signal = new AbortController().signal;
const first = { takenAt: '20261120_020000' };
const second = { takenAt: '20261121_020000', label: 'before_templates' };
const third = { takenAt: '20261122_020000' };

let root: string;
let near: Storage;
let far: Storage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'safe-migrate-stored-'));
  near = fileStorage({ kind: 'file', directory: await mkdtemp(join(root, 'near-')) });
  far = fileStorage({ kind: 'file', directory: await mkdtemp(join(root, 'far-')) });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const idsIn = async (...storages: Storage[]) =>
  (await listBackups(storages, 'erp', { signal })).backups.map(({ id }) => id);

describe('listing backups', () => {
  test('is newest first, by the time in the manifest', async () => {
    for (const sample of [second, first, third]) await storeSample(near, sample);
    expect(await idsIn(near)).toEqual([
      'backup_20261122_020000Z_scheduled',
      'backup_20261121_020000Z_before_templates',
      'backup_20261120_020000Z_scheduled',
    ]);
  });

  test('shows a backup once, with every storage that holds it', async () => {
    for (const sample of [first, second]) await storeSample(near, sample);
    for (const sample of [second, third]) await storeSample(far, sample);
    const { backups } = await listBackups([near, far], 'erp', { signal });
    expect(backups.map(({ id, places }) => [id, places.map(({ storage }) => storage)])).toEqual([
      ['backup_20261122_020000Z_scheduled', [far]],
      ['backup_20261121_020000Z_before_templates', [near, far]],
      ['backup_20261120_020000Z_scheduled', [near]],
    ]);
    expect(backups[1]?.places[1]?.url).toBe(`${far.url}/erp/backup_20261121_020000Z_before_templates`);
    expect(backups[1]?.places[1]?.objects.map(({ key }) => key.split('/').at(-1))).toEqual([
      'database.dump',
      'details.json',
      'manifest.json',
    ]);
  });

  test('does not take two different backups for one because they share an id', async () => {
    await storeSample(near, first);
    await storeSample(far, { ...first, content: Buffer.from('another dump') });
    expect((await listBackups([near, far], 'erp', { signal })).backups).toHaveLength(2);
    await expect(
      findBackup([near, far], 'erp', 'backup_20261120_020000Z_scheduled', signal),
    ).rejects.toMatchObject({ code: 'SM_BACKUP_AMBIGUOUS' });
  });

  test('knows nothing of other databases, not even of one whose name begins alike', async () => {
    await storeSample(near, { ...first, database: 'erp_test' });
    await storeSample(near, { ...second, database: 'erp/../x' });
    expect(await idsIn(near)).toEqual([]);
    const odd = await listBackups([near], 'erp/../x', { signal });
    expect(odd.backups).toHaveLength(1);
  });

  test.each([
    ['no JSON', '{"formatVersion": 1', 'damaged: it is no JSON'],
    ['JSON, but no object', '7', 'damaged: it has no format version'],
    ['of a later version', '{"formatVersion": 3, "id": "x"}', 'format version 3, which this version cannot'],
    ['not as it should be', '{"formatVersion": 1, "id": 7}', 'damaged: id is not as it should be'],
    ['of another backup', renderManifest(sampleManifest(second)), 'is that of another backup'],
    [
      'of another database',
      renderManifest(sampleManifest({ ...first, database: 'shop' })),
      'is that of another database, "shop"',
    ],
    [
      'of no time',
      renderManifest(sampleManifest({ ...first, changes: { createdAt: 'yesterday' } })),
      'createdAt is no time',
    ],
  ])('reports a manifest that is %s, and hides nothing for it', async (_what, text, problem) => {
    await storeSample(near, third);
    await storeObject(near, 'erp/backup_20261120_020000Z_scheduled/manifest.json', Buffer.from(text));
    const { backups, unreadable } = await listBackups([near], 'erp', { signal });
    expect(backups.map(({ id }) => id)).toEqual(['backup_20261122_020000Z_scheduled']);
    expect(unreadable).toMatchObject([
      { id: 'backup_20261120_020000Z_scheduled', problem: expect.stringContaining(problem) },
    ]);
  });

  test('tells an upload that never came to its end from a damaged backup', async () => {
    await storeObject(near, 'erp/backup_20261120_020000Z_scheduled/database.dump', Buffer.from('x'));
    const { backups, unreadable } = await listBackups([near], 'erp', { signal });
    expect(backups).toEqual([]);
    expect(unreadable).toMatchObject([{ id: 'backup_20261120_020000Z_scheduled', problem: null }]);
    expect(Date.now() - (unreadable[0]?.modifiedAt.getTime() ?? 0)).toBeLessThan(60_000);
  });

  test('goes on without a storage that does not answer, and says so', async () => {
    await storeSample(near, first);
    const gone = fileStorage({ kind: 'file', directory: join(root, 'gone') });
    const { backups, silent } = await listBackups([gone, near], 'erp', { signal });
    expect(backups).toHaveLength(1);
    expect(silent).toMatchObject([{ storage: gone, error: { code: 'SM_STORAGE_MISSING' } }]);
    await expect(listBackups([gone], 'erp', { signal })).rejects.toMatchObject({
      code: 'SM_STORAGE_MISSING',
    });
  });

  test('ends when it is stopped', async () => {
    await storeSample(near, first);
    await expect(listBackups([near], 'erp', { signal: AbortSignal.abort() })).rejects.toThrow();
  });

  test('reads many manifests', async () => {
    const days = Array.from({ length: 25 }, (_, day) => String(day + 1).padStart(2, '0'));
    await Promise.all(days.map((day) => storeSample(near, { takenAt: `202610${day}_020000` })));
    expect(await idsIn(near)).toEqual(
      days.toReversed().map((day) => `backup_202610${day}_020000Z_scheduled`),
    );
  });
});

describe('finding a backup', () => {
  test('gives the latest of all storages', async () => {
    await storeSample(near, first);
    await storeSample(far, second);
    const { backup, warnings } = await findBackup([near, far], 'erp', 'latest', signal);
    expect(backup.id).toBe('backup_20261121_020000Z_before_templates');
    expect(warnings).toEqual([]);
  });

  test('gives the one that is named', async () => {
    for (const sample of [first, second, third]) await storeSample(near, sample);
    const { backup } = await findBackup([near], 'erp', 'backup_20261120_020000Z_scheduled', signal);
    expect(backup.manifest.createdAt).toBe('2026-11-20T02:00:00.000Z');
    expect(JSON.parse(backup.manifestText)).toEqual(sampleManifest(first));
  });

  test('says when a newer one cannot be read, or a storage does not answer', async () => {
    await storeSample(near, second);
    await storeObject(near, 'erp/backup_20261120_020000Z_old/manifest.json', Buffer.from('{'));
    await storeObject(near, 'erp/backup_20261122_020000Z_new/manifest.json', Buffer.from('{'));
    const gone = fileStorage({ kind: 'file', directory: join(root, 'gone') });
    const { backup, warnings, doubts } = await findBackup([near, gone], 'erp', 'latest', signal);
    expect(backup.id).toBe('backup_20261121_020000Z_before_templates');
    expect(doubts).toEqual(warnings);
    expect(warnings).toEqual([
      expect.stringMatching(/gone does not say which backups it holds: /),
      expect.stringMatching(/backup_20261122_020000Z_new: its manifest is damaged/),
    ]);
  });

  test('takes the latest of this server, and one of another server only by its id', async () => {
    const of = (systemIdentifier: string) => ({
      server: { version: '15.18', major: 15, systemIdentifier },
    });
    await storeSample(near, { ...first, changes: of('production') });
    await storeSample(near, { ...second, changes: of('staging') });
    const here = { systemIdentifier: 'production' };
    const { backup } = await findBackup([near], 'erp', 'latest', signal, here);
    expect(backup.id).toBe(sampleId(first));
    const named = await findBackup([near], 'erp', sampleId(second), signal, here);
    expect(named.warnings).toEqual([
      expect.stringMatching(/was made on another server, PostgreSQL 15.18, system identifier staging$/),
    ]);
    await expect(
      findBackup([near], 'erp', 'latest', signal, { systemIdentifier: 'a third one' }),
    ).rejects.toMatchObject({
      code: 'SM_BACKUP_NOT_FOUND',
      message: expect.stringContaining('was made on another server'),
    });
  });

  test('takes neither of two that differ under one id', async () => {
    await storeSample(near, first);
    await storeSample(far, { ...first, changes: { gitCommit: 'another' } });
    for (const wanted of ['latest', sampleId(first)]) {
      await expect(findBackup([near, far], 'erp', wanted, signal)).rejects.toMatchObject({
        code: 'SM_BACKUP_AMBIGUOUS',
      });
    }
  });

  test('says that there is none, and where it looked', async () => {
    await storeSample(near, { ...first, database: 'shop' });
    await expect(findBackup([near, far], 'erp', 'latest', signal)).rejects.toMatchObject({
      code: 'SM_BACKUP_NOT_FOUND',
      message: `there is no backup of erp in ${near.url}, ${far.url}`,
    });
    for (const id of ['backup_20261120_020000Z_scheduled', '../shop/backup_20261120_020000Z_scheduled', '']) {
      await expect(findBackup([near], 'erp', id, signal)).rejects.toMatchObject({
        code: 'SM_BACKUP_NOT_FOUND',
      });
    }
  });

  test('says what is wrong with the one that is named', async () => {
    const folder = await storeSample(near, first);
    await writeFile(join(new URL(near.url).pathname, folder, 'manifest.json'), 'x');
    await expect(
      findBackup([near], 'erp', 'backup_20261120_020000Z_scheduled', signal),
    ).rejects.toMatchObject({ code: 'SM_BACKUP_UNREADABLE', message: expect.stringContaining('is no JSON') });
  });
});
