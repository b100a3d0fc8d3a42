import { z } from 'zod';

export const manifestName = 'manifest.json';
export const dumpName = 'database.dump';
/** The same encrypted, in age's binary format. */
export const sealedDumpName = 'database.dump.age';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const fingerprintSchema = z.object({
  serverMajor: z.int(),
  schemaDigest: sha256,
  extensions: z.array(z.object({ name: z.string(), version: z.string(), schema: z.string() })),
  tables: z.array(
    z.object({
      schema: z.string(),
      table: z.string(),
      rows: z.int(),
      digest: z.string(),
      extension: z.string().nullable().default(null),
    }),
  ),
  materializedViews: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      populated: z.boolean(),
      rows: z.int().nullable().default(null),
      digest: z.string().nullable().default(null),
    }),
  ),
  sequences: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      lastValue: z.string(),
      isCalled: z.boolean(),
      extension: z.string().nullable().default(null),
    }),
  ),
  largeObjects: z.object({ count: z.int(), digest: z.string() }),
  inventory: z
    .object({ version: z.int(), counts: z.record(z.string(), z.int()), packed: z.base64() })
    .nullable()
    .default(null),
  /** Not known of backups of earlier versions. */
  sessionValues: z.record(z.string(), z.string()).optional(),
});

const propertiesSchema = z.object({
  owner: z.string(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  localeProvider: z.string(),
  icuLocale: z.string().nullable(),
  icuRules: z.string().nullable(),
  tablespace: z.string(),
  connectionLimit: z.int(),
  comment: z.string().nullable(),
  acl: z.array(z.string()).nullable(),
  settings: z.array(z.object({ role: z.string().nullable(), config: z.array(z.string()) })),
});

/**
 * What a backup is and what it must look like when restored. Stored beside the dump as `manifest.json`,
 * written last and removed first: a backup without a manifest does not exist.
 */
export const manifestSchema = z.object({
  formatVersion: z.literal(1),
  id: z.string(),
  /** ISO 8601: when the snapshot was taken, by the server's clock. */
  createdAt: z.string(),
  command: z.enum(['migrate', 'backup']),
  tools: z.object({ pgDump: z.string() }),
  server: z.object({
    version: z.string(),
    major: z.int(),
    /** PostgreSQL's own identifier of the cluster: tells databases of one name apart. null where it cannot be read. */
    systemIdentifier: z.string().nullable().default(null),
    /** `host:port` as the URL said; for people. */
    address: z.string().nullable().default(null),
  }),
  database: z.object({ name: z.string(), sizeBytes: z.int(), properties: propertiesSchema }),
  /** The file as stored. */
  file: z.object({ name: z.enum([dumpName, sealedDumpName]), sizeBytes: z.int(), sha256 }),
  /** The plain dump; equal to `file` where nothing is encrypted. */
  plain: z.object({ sizeBytes: z.int(), sha256 }),
  /** What opens the file; null when it is not encrypted. */
  encryption: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('passphrase') }),
      z.object({ kind: z.literal('recipients'), recipients: z.array(z.string()) }),
    ])
    .nullable(),
  prisma: z
    .object({
      version: z.string(),
      historySchema: z.string(),
      appliedMigrations: z.array(z.object({ name: z.string(), checksum: z.string() })),
    })
    .nullable(),
  fingerprint: fingerprintSchema,
  proof: z.object({
    /** `restore`: restored and compared; `archive`: length, digest and a full read of the archive. */
    method: z.enum(['restore', 'archive']),
    proved: z.boolean(),
    /** Why it is not proved; null when it is. */
    problem: z.string().nullable(),
  }),
  gitCommit: z.string().nullable(),
  runUrl: z.string().nullable(),
  /** The schema-only dump, to compare a restored copy with, and what no dump can say. */
  schema: z.object({ encoding: z.literal('gzip+base64'), text: z.string(), hasPublic: z.boolean() }),
  /** Says that whoever wrote this knew the passphrase; null without one. See manifest-authentication.ts. */
  authentication: z
    .object({
      method: z.literal('scrypt-hmac-sha256'),
      salt: z.string().regex(/^[0-9a-f]{32}$/),
      check: sha256,
      mac: sha256,
    })
    .nullable(),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** The stored text of a manifest; people read it too. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
