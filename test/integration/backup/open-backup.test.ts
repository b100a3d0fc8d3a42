import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/backup/encryption/digest.ts';
import type { Encryption, Keys } from '../../../src/backup/encryption/encryption.ts';
import { backupFolder } from '../../../src/backup/making/backup-id.ts';
import { sealDetails } from '../../../src/backup/making/seal-details.ts';
import { renderDetails } from '../../../src/backup/manifest/details.ts';
import { renderManifest, type StoredManifest } from '../../../src/backup/manifest/manifest.ts';
import { signManifest } from '../../../src/backup/manifest/manifest-authentication.ts';
import { findBackup } from '../../../src/backup/stored/find-backup.ts';
import { openBackup } from '../../../src/backup/stored/open-backup.ts';
import { fileStorage } from '../../../src/storage/file/file-storage.ts';
import type { Storage } from '../../../src/storage/port/storage.ts';
import { Secret } from '../../../src/system/secret.ts';
import { ageKeyPair } from '../../support/age-cli.ts';
import {
  asVersion1,
  sampleDetails,
  sampleId,
  sampleManifest,
  storeObject,
} from '../../support/sample-manifest.ts';

const signal = new AbortController().signal;
const sample = { takenAt: '20261122_020000' };
const other = { takenAt: '20261123_020000' };
const secret = new Secret('correct horse battery staple');
const noKeys: Keys = { passphrase: null, identities: [] };
const passphraseKeys: Keys = { passphrase: secret, identities: [] };
const passphrase: Encryption = { kind: 'passphrase', passphrase: secret };

const details = {
  ...sampleDetails(sample),
  schemaText: 'CREATE FUNCTION key() RETURNS text RETURN $$canary$$;',
};

let root: string;
let storage: Storage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'safe-migrate-open-'));
  storage = fileStorage({ kind: 'file', directory: root });
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** What a run writes: details as the keys say, and the manifest that names them. */
async function store(
  encryption: Encryption | null,
  changes: Partial<StoredManifest> = {},
  of = sample,
): Promise<string> {
  const folder = backupFolder('erp', sampleId(of));
  const { field, content } = await sealDetails({ ...details, id: sampleId(of) }, encryption);
  const file =
    encryption === null ? {} : { file: { ...sampleManifest(of).file, name: 'database.dump.age' as const } };
  const manifest = {
    ...sampleManifest(of),
    ...file,
    details: field,
    encryption:
      encryption === null
        ? null
        : encryption.kind === 'passphrase'
          ? { kind: encryption.kind }
          : { kind: encryption.kind, recipients: [...encryption.recipients] },
    ...changes,
  };
  await storeObject(storage, `${folder}/${field.name}`, content);
  await storeObject(
    storage,
    `${folder}/manifest.json`,
    Buffer.from(
      encryption?.kind === 'passphrase'
        ? await signManifest(manifest, encryption.passphrase)
        : renderManifest(manifest),
    ),
  );
  return folder;
}

const open = async (keys: Keys, of = sample) =>
  openBackup((await findBackup([storage], 'erp', sampleId(of), signal)).backup, keys, {
    signal,
    warn: () => {},
  });

describe('the details of a backup', () => {
  test('are as they were, and nobody reads them without the key', async () => {
    const pair = await ageKeyPair();
    const stranger = await ageKeyPair();
    for (const [encryption, keys, authenticated] of [
      [null, noKeys, false],
      [passphrase, passphraseKeys, true],
      [
        { kind: 'recipients', recipients: [pair.recipient] },
        { passphrase: null, identities: [new Secret(/^AGE-SECRET-KEY-.*$/m.exec(pair.identity)?.[0] ?? '')] },
        false,
      ],
    ] as const) {
      await rm(join(root, 'erp'), { recursive: true, force: true });
      await store(encryption);
      expect(await open(keys)).toMatchObject({ details, authenticated });
      const stored = await storage.list('', signal);
      for (const { key } of stored) {
        const content = Buffer.concat(await (await storage.get(key, signal)).toArray());
        expect(content.includes('canary'), key).toBe(encryption === null && key.endsWith('details.json'));
      }
    }
    const identities = [new Secret(/^AGE-SECRET-KEY-.*$/m.exec(stranger.identity)?.[0] ?? '')];
    await expect(open({ passphrase: null, identities })).rejects.toMatchObject({ code: 'SM_WRONG_IDENTITY' });
    await expect(open(noKeys)).rejects.toMatchObject({ code: 'SM_IDENTITY_MISSING' });
  });

  test('of format version 1 are read out of its manifest, signed or not', async () => {
    const folder = backupFolder('erp', sampleId(sample));
    const old = asVersion1(sampleManifest(sample), details);
    await storeObject(storage, `${folder}/manifest.json`, Buffer.from(JSON.stringify(old)));
    expect(await open(noKeys)).toMatchObject({ details, authenticated: false });
    await expect(open(passphraseKeys)).rejects.toMatchObject({ code: 'SM_MANIFEST_NOT_AUTHENTIC' });

    await storage.remove(`${folder}/manifest.json`, signal);
    const { authentication: _, ...unsigned } = old;
    // As the first version did, whose manifests had another form and the same signature.
    const signed = await signManifest(unsigned as unknown as StoredManifest, secret);
    await storeObject(storage, `${folder}/manifest.json`, Buffer.from(signed));
    expect(await open(passphraseKeys)).toMatchObject({ details, authenticated: true });
    expect((await findBackup([storage], 'erp', 'latest', signal)).backup.manifest).toMatchObject({
      prisma: { appliedMigrations: 1 },
      counts: { tables: 1, rows: 3 },
    });
  });

  test.each<readonly [string, (folder: string) => Promise<unknown>, RegExp]>([
    ['are gone', (folder) => storage.remove(`${folder}/details.json`, signal), /details\.json is not there/],
    [
      'were exchanged for those of another backup',
      async (folder) => {
        const theirs = await store(null, {}, other);
        const content = Buffer.concat(await (await storage.get(`${theirs}/details.json`, signal)).toArray());
        await storage.remove(`${folder}/details.json`, signal);
        await storeObject(storage, `${folder}/details.json`, content);
      },
      /has not the SHA-256 that its manifest says/,
    ],
    [
      'are those of another backup, in a manifest that says so',
      async (folder) => {
        await storage.remove(`${folder}/manifest.json`, signal);
        await storage.remove(`${folder}/details.json`, signal);
        const content = Buffer.from(renderDetails({ ...details, id: sampleId(other) }));
        await storeObject(storage, `${folder}/details.json`, content);
        const manifest = {
          ...sampleManifest(sample),
          details: { name: 'details.json' as const, ...digestOf(content) },
        };
        await storeObject(storage, `${folder}/manifest.json`, Buffer.from(renderManifest(manifest)));
      },
      /is that of another backup/,
    ],
    [
      'hold other numbers than the manifest',
      async (folder) => {
        await storage.remove(`${folder}/manifest.json`, signal);
        await storage.remove(`${folder}/details.json`, signal);
        await store(null, { counts: { tables: 1, rows: 4 } });
      },
      /other numbers of tables and rows/,
    ],
  ])('that %s are refused', async (_how, change, says) => {
    await change(await store(null));
    await expect(open(noKeys)).rejects.toMatchObject({
      code: 'SM_BACKUP_DAMAGED',
      message: expect.stringMatching(says),
    });
  });

  test('are looked for in the next storage when the first one has lost them', async () => {
    const folder = await store(null);
    const far = fileStorage({ kind: 'file', directory: await mkdtemp(join(tmpdir(), 'safe-migrate-far-')) });
    for (const { key } of await storage.list('', signal)) {
      await storeObject(far, key, Buffer.concat(await (await storage.get(key, signal)).toArray()));
    }
    await storage.remove(`${folder}/details.json`, signal);
    const { backup } = await findBackup([storage, far], 'erp', 'latest', signal);
    const warnings: string[] = [];
    const opened = await openBackup(backup, noKeys, { signal, warn: (line) => warnings.push(line) });
    expect(opened.details).toEqual(details);
    expect(warnings).toEqual([
      expect.stringMatching(/details\.json is not there; the next storage is tried$/),
    ]);
    await rm(new URL(far.url).pathname, { recursive: true });
  });
});
