import { Readable } from 'node:stream';
import { backupFolder } from '../../src/backup/backup-id.ts';
import { digestOf } from '../../src/backup/digest.ts';
import { dumpName, type Manifest, manifestName, renderManifest } from '../../src/backup/manifest.ts';
import { packSchemaText } from '../../src/backup/schema-text-field.ts';
import type { Storage } from '../../src/storage/storage.ts';

const defaultContent = Buffer.from('the dump');

export interface SampleBackup {
  /** `YYYYMMDD_HHMMSS`. */
  readonly takenAt: string;
  readonly label?: string;
  readonly database?: string;
  readonly content?: Buffer;
  readonly changes?: Partial<Manifest>;
}

export function sampleId({ takenAt, label = 'scheduled' }: SampleBackup): string {
  return `backup_${takenAt}Z_${label}`;
}

/** The manifest that a run would have written; everything that a test does not speak of is ordinary. */
export function sampleManifest(sample: SampleBackup): Manifest {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)$/.exec(sample.takenAt) ?? [];
  const plain = digestOf(sample.content ?? defaultContent);
  return {
    formatVersion: 1,
    id: sampleId(sample),
    createdAt: `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`,
    command: 'backup',
    tools: { pgDump: 'tools 15.18 in /usr/lib/postgresql/15/bin' },
    server: { version: '15.18', major: 15, systemIdentifier: null, address: null },
    database: {
      name: sample.database ?? 'erp',
      sizeBytes: 10_000_000,
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
    },
    file: { name: dumpName, ...plain },
    plain,
    encryption: null,
    prisma: {
      version: '7.10.1',
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
    proof: { method: 'restore', proved: true, problem: null },
    gitCommit: null,
    runUrl: null,
    schema: { ...packSchemaText(''), hasPublic: true },
    authentication: null,
    ...sample.changes,
  };
}

/** Stores a backup as a run does, dump first, and returns its folder. */
export async function storeSample(storage: Storage, sample: SampleBackup): Promise<string> {
  const manifest = sampleManifest(sample);
  const folder = backupFolder(sample.database ?? 'erp', sampleId(sample));
  await storeObject(storage, `${folder}/${dumpName}`, sample.content ?? defaultContent);
  await storeObject(storage, `${folder}/${manifestName}`, Buffer.from(renderManifest(manifest)));
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
