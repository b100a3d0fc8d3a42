import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pruneStorages } from '../../../src/backup/stored/prune-storage.ts';
import { fileStorage } from '../../../src/storage/file/file-storage.ts';
import type { Storage } from '../../../src/storage/port/storage.ts';
import { type SampleBackup, sampleId, storeObject, storeSample } from '../../support/sample-manifest.ts';

const signal = new AbortController().signal;
const unproved = { proof: { method: 'restore' as const, proved: false, problem: 'broken', inventory: null } };

let root: string;
let near: Storage;
let far: Storage;
let warnings: string[];
let notes: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'safe-migrate-prune-'));
  near = fileStorage({ kind: 'file', directory: await mkdtemp(join(root, 'near-')) });
  far = fileStorage({ kind: 'file', directory: await mkdtemp(join(root, 'far-')) });
  warnings = [];
  notes = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const prune = (storages: readonly Storage[], changes: Partial<Parameters<typeof pruneStorages>[2]> = {}) =>
  pruneStorages(storages, 'erp', {
    policy: { migrateDays: 30, otherDays: 7, keepLast: 1 },
    now: new Date('2026-11-22T12:00:00Z'),
    mayBeNeeded: () => null,
    systemIdentifier: 'here',
    dryRun: false,
    signal,
    warn: (line) => warnings.push(line),
    note: (line) => notes.push(line),
    ...changes,
  });
const on = (day: string, changes: SampleBackup['changes'] = {}): SampleBackup => ({
  takenAt: `202611${day}_020000`,
  changes,
});
const held = async (storage: Storage) => (await storage.list('', signal)).map(({ key }) => key);
const keysOf = (...samples: SampleBackup[]) =>
  samples.flatMap((sample) =>
    ['database.dump', 'details.json', 'manifest.json'].map((name) => `erp/${sampleId(sample)}/${name}`),
  );

test('removes what is old, in every storage, and says of each backup why it stays or goes', async () => {
  const [old, young] = [on('10'), on('21')];
  for (const storage of [near, far]) for (const sample of [old, young]) await storeSample(storage, sample);
  const records = await prune([near, far]);
  expect(records).toMatchObject([
    {
      id: sampleId(young),
      retention: { stays: true, removed: false, reason: 'the newest that is proved' },
      proved: true,
      appliedMigrations: 1,
      sizeBytes: 8,
    },
    { id: sampleId(old), retention: { stays: false, removed: true, reason: 'older than 7 days' } },
  ]);
  expect(records[1]?.locations).toEqual([near, far].map(({ url }) => `${url}/erp/${sampleId(old)}`));
  expect(await held(near)).toEqual(keysOf(young));
  expect(await held(far)).toEqual(keysOf(young));
  expect(warnings).toEqual([]);
});

test('removes nothing in a dry run', async () => {
  for (const sample of [on('10'), on('21')]) await storeSample(near, sample);
  const records = await prune([near], { dryRun: true });
  expect(records.map(({ retention }) => [retention?.stays, retention?.removed])).toEqual([
    [true, false],
    [false, false],
  ]);
  expect(await held(near)).toHaveLength(6);
});

test('keeps the newest proved backup of each storage, whatever the others hold', async () => {
  const [proved, broken] = [on('01'), on('21', unproved)];
  await storeSample(near, proved);
  await storeSample(near, broken);
  await storeSample(far, on('20'));
  await prune([near, far]);
  expect(await held(near)).toEqual(keysOf(proved, broken));
});

test('does not call a backup proved whose dump is gone or cut off', async () => {
  const [proved, gone, short] = [on('01'), on('20'), on('21')];
  for (const sample of [proved, gone, short]) await storeSample(near, sample);
  const folder = new URL(near.url).pathname;
  await rm(join(folder, 'erp', sampleId(gone), 'database.dump'));
  await writeFile(join(folder, 'erp', sampleId(short), 'database.dump'), 'the d');
  const records = await prune([near]);
  expect(records.find(({ id }) => id === sampleId(proved))).toMatchObject({
    retention: { stays: true, reason: 'the newest that is proved' },
  });
});

test('keeps what an unfinished run may need', async () => {
  for (const sample of [on('10'), on('11'), on('21')]) await storeSample(near, sample);
  await prune([near], {
    mayBeNeeded: ({ id }) => (id === sampleId(on('10')) ? 'an unfinished run needs it' : null),
  });
  expect(await held(near)).toEqual(keysOf(on('10'), on('21')));
});

test('leaves alone, and tells of, what is no readable backup, what is not ours, and a storage that is silent', async () => {
  await storeSample(near, on('10'));
  await storeSample(near, on('21'));
  await storeSample(near, { ...on('01'), database: 'shop' });
  await storeObject(near, 'erp/backup_20200101_020000Z_x/manifest.json', Buffer.from('{'));
  await storeObject(near, 'erp/backup_20200102_020000Z_x/database.dump', Buffer.from('x'));
  await storeObject(near, `erp/${sampleId(on('10'))}/notes.txt`, Buffer.from('x'));
  const gone = fileStorage({ kind: 'file', directory: join(root, 'gone') });
  await prune([near, gone]);
  expect(await held(near)).toEqual(
    [
      'erp/backup_20200101_020000Z_x/manifest.json',
      'erp/backup_20200102_020000Z_x/database.dump',
      `erp/${sampleId(on('10'))}/notes.txt`,
      ...keysOf(on('21')),
      ...keysOf({ ...on('01') }).map((key) => key.replace('erp/', 'shop/')),
    ].sort(),
  );
  expect(warnings).toEqual([
    expect.stringMatching(/gone was not pruned, because it does not answer/),
    expect.stringMatching(/20200102_020000Z_x has no manifest/),
    expect.stringMatching(/20200101_020000Z_x is left as it is: its manifest is damaged/),
  ]);
});

test('goes on when one backup cannot be removed, and says so', async () => {
  for (const sample of [on('10'), on('11'), on('21')]) await storeSample(near, sample);
  // A folder in the dump's place cannot be removed as a file.
  const dump = join(new URL(near.url).pathname, 'erp', sampleId(on('11')), 'database.dump');
  await rm(dump);
  await mkdir(dump);
  const records = await prune([near]);
  expect(records.map(({ retention }) => [retention?.stays, retention?.removed])).toEqual([
    [true, false],
    [false, false],
    [false, true],
  ]);
  expect(warnings).toEqual([expect.stringMatching(/could not be removed: /)]);
});

test('counts and removes only what its own server made', async () => {
  const of = (systemIdentifier: string) => ({
    server: { version: '15.18', major: 15, systemIdentifier },
  });
  const own = [on('09', of('here')), on('10', of('here'))];
  const foreign = [on('08', of('there')), on('21', of('there'))];
  for (const sample of [...own, ...foreign]) await storeSample(near, sample);
  const records = await prune([near]);
  expect(await held(near)).toEqual(keysOf(...own.slice(1), ...foreign).toSorted());
  expect(records.map(({ retention }) => retention?.reason)).toEqual([
    'made on another server, PostgreSQL 15.18, system identifier there',
    'the newest that is proved',
    'older than 7 days',
    'made on another server, PostgreSQL 15.18, system identifier there',
  ]);
});
