import { z } from 'zod';
import { sha256Hex } from '../encryption/sha256-hex.ts';

export const detailsName = 'details.json';
/** The same encrypted, in age's binary format. */
export const sealedDetailsName = 'details.json.age';

/** What lies in no bucket as a whole: far more than the schema of 100 000 tables, and all that a string can hold. */
export const maximumDetailsBytes = 512 * 1024 ** 2;

const fingerprintSchema = z.object({
  serverMajor: z.int(),
  schemaDigest: sha256Hex,
  extensions: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      schema: z.string(),
      owner: z.string().nullable().optional(),
    }),
  ),
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
 * What a backup must look like when it is restored, and everything else of it that may hold a secret: names, roles,
 * privileges, settings, the schema with its functions. Stored beside the dump, as readable or unreadable as the dump
 * itself; its length and SHA-256 stand in the manifest. What a later version adds has a default here: stored backups of
 * today, and of format version 1, stay readable.
 */
export const detailsSchema = z.object({
  /** Of the backup: two whose details changed places are both damaged. */
  id: z.string(),
  /** `host:port` as the URL said; for people. */
  address: z.string().nullable(),
  properties: propertiesSchema,
  prisma: z
    .object({
      historySchema: z.string(),
      appliedMigrations: z.array(z.object({ name: z.string(), checksum: z.string() })),
    })
    .nullable(),
  fingerprint: fingerprintSchema,
  /** Whether there is a schema `public`, which no dump can say. */
  hasPublicSchema: z.boolean(),
  /** Why it is not proved, in words; null when it is, or when that was not asked for. */
  proofProblem: z.string().nullable(),
  /**
   * The schema-only dump, to compare a restored copy with. As text and not as a digest: another minor version of
   * pg_dump may print the same schema differently, and a difference should be named.
   */
  schemaText: z.string(),
});

export type BackupDetails = z.infer<typeof detailsSchema>;

/** The stored text of details; people read it too. */
export function renderDetails(details: BackupDetails): string {
  return `${JSON.stringify(details, null, 2)}\n`;
}

/** What a list can show of a backup without its details. */
export function countsOf({ fingerprint }: Pick<BackupDetails, 'fingerprint'>): {
  readonly tables: number;
  readonly rows: number;
} {
  const rows = fingerprint.tables.reduce((sum, table) => sum + table.rows, 0);
  return { tables: fingerprint.tables.length, rows };
}
