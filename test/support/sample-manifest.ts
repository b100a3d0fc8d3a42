import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../src/backup/encryption/digest.ts';
import { backupFolder } from '../../src/backup/making/backup-id.ts';
import { sealDetails } from '../../src/backup/making/seal-details.ts';
import {
  type BackupDetails,
  countsOf,
  detailsName,
  renderDetails,
} from '../../src/backup/manifest/details.ts';
import {
  dumpName,
  manifestName,
  renderManifest,
  type StoredManifest,
} from '../../src/backup/manifest/manifest.ts';
import type { ManifestVersion1 } from '../../src/backup/manifest/manifest-version-1.ts';
import type { Storage } from '../../src/storage/port/storage.ts';

const defaultContent = Buffer.from('the dump');

export interface SampleBackup {
  /** `YYYYMMDD_HHMMSS`. */
  readonly takenAt: string;
  readonly label?: string;
  readonly database?: string;
  readonly content?: Buffer;
  readonly changes?: Partial<StoredManifest>;
}

export function sampleId({ takenAt, label = 'scheduled' }: SampleBackup): string {
  return `backup_${takenAt}Z_${label}`;
}

/** Details that a run would have written. */
export function sampleDetails(sample: SampleBackup): BackupDetails {
  return {
    id: sampleId(sample),
    address: 'db.example:5432',
    properties: {
      owner: 'erp',
      encoding: 'UTF8',
      collate: 'C.UTF-8',
      ctype: 'C.UTF-8',
      localeProvider: 'c',
      icuLocale: null,
      icuRules: null,
      tablespace: 'pg_default',
      connectionLimit: -1,
      comment: null,
      acl: null,
      settings: [],
    },
    prisma: {
      historySchema: 'public',
      appliedMigrations: [{ name: '20260101_init', checksum: 'c0ffee' }],
    },
    fingerprint: {
      serverMajor: 15,
      schemaDigest: 'ab'.repeat(32),
      extensions: [],
      tables: [{ schema: 'public', table: 'Invoice', rows: 3, extension: null, digest: '12345' }],
      materializedViews: [],
      sequences: [],
      largeObjects: { count: 0, digest: '0' },
      inventory: null,
    },
    hasPublicSchema: true,
    proofProblem: null,
    schemaText: '',
  };
}

/** The manifest that a run would have written; everything that a test does not speak of is ordinary. */
export function sampleManifest(sample: SampleBackup): StoredManifest {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/.exec(sample.takenAt) ?? [];
  const plain = digestOf(sample.content ?? defaultContent);
  const details = Buffer.from(renderDetails(sampleDetails(sample)));
  return {
    formatVersion: 2,
    id: sampleId(sample),
    createdAt: `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`,
    command: 'backup',
    tools: { pgDump: 'tools 15.18 in /usr/lib/postgresql/15/bin' },
    server: { version: '15.18', major: 15, systemIdentifier: null },
    database: { name: sample.database ?? 'erp', sizeBytes: 10_000_000 },
    file: { name: dumpName, ...plain },
    plain,
    details: { name: detailsName, ...digestOf(details) },
    encryption: null,
    prisma: { version: '7.10.1', appliedMigrations: 1 },
    counts: countsOf(sampleDetails(sample)),
    proof: { method: 'restore', proved: true, problem: null, inventory: null },
    gitCommit: null,
    runUrl: null,
    authentication: null,
    ...sample.changes,
  };
}

/** The same backup as the first version would have described it: everything in the manifest. */
export function asVersion1(manifest: StoredManifest, details: BackupDetails): ManifestVersion1 {
  const { details: _, counts, formatVersion, server, database, prisma, ...same } = manifest;
  return {
    ...same,
    formatVersion: 1,
    server: { ...server, address: details.address },
    database: { ...database, properties: details.properties },
    prisma:
      prisma === null || details.prisma === null ? null : { version: prisma.version, ...details.prisma },
    fingerprint: details.fingerprint,
    schema: {
      encoding: 'gzip+base64',
      text: gzipSync(details.schemaText).toString('base64'),
      hasPublic: details.hasPublicSchema,
    },
  };
}

/** Stores a backup as a run does, dump first, and returns its folder. */
export async function storeSample(storage: Storage, sample: SampleBackup): Promise<string> {
  const folder = backupFolder(sample.database ?? 'erp', sampleId(sample));
  await storeObject(storage, `${folder}/${dumpName}`, sample.content ?? defaultContent);
  const { content } = await sealDetails(sampleDetails(sample), null);
  await storeObject(storage, `${folder}/${detailsName}`, content);
  const text = renderManifest(sampleManifest(sample));
  await storeObject(storage, `${folder}/${manifestName}`, Buffer.from(text));
  return folder;
}

/** Stores any content under any key. */
export async function storeObject(storage: Storage, key: string, content: Buffer): Promise<void> {
  await storage.put({
    key,
    body: Readable.from([content]),
    estimatedBytes: content.byteLength,
    expected: Promise.resolve(digestOf(content)),
    signal: AbortSignal.timeout(60_000),
  });
}
