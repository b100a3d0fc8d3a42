import { z } from 'zod';
import { sha256Hex } from '../encryption/sha256-hex.ts';
import { detailsName, sealedDetailsName } from './details.ts';

export const manifestName = 'manifest.json';
export const dumpName = 'database.dump';
/** The same encrypted, in age's binary format. */
export const sealedDumpName = 'database.dump.age';

const content = { sizeBytes: z.int(), sha256: sha256Hex };

/** What all format versions have in common. */
export const commonFields = {
  id: z.string(),
  /** ISO 8601: when the snapshot was taken, by the server's clock. */
  createdAt: z.string(),
  command: z.enum(['migrate', 'backup']),
  tools: z.object({ pgDump: z.string() }),
  /** The file as stored. */
  file: z.object({ name: z.enum([dumpName, sealedDumpName]), ...content }),
  /** The plain dump; equal to `file` where nothing is encrypted. */
  plain: z.object(content),
  /** What opens the files; null when they are not encrypted. */
  encryption: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('passphrase') }),
      z.object({ kind: z.literal('recipients'), recipients: z.array(z.string()) }),
    ])
    .nullable(),
  gitCommit: z.string().nullable(),
  runUrl: z.string().nullable(),
  /** Says that whoever wrote this knew the passphrase; null without one. See manifest-authentication.ts. */
  authentication: z
    .object({
      method: z.literal('scrypt-hmac-sha256'),
      salt: z.string().regex(/^[0-9a-f]{32}$/),
      check: sha256Hex,
      mac: sha256Hex,
    })
    .nullable(),
};

const { authentication, ...beforeAuthentication } = commonFields;

/**
 * What must be known of a backup to find it, to verify it and to remove it: no key is needed to read this, so nothing
 * stands in it that could be a secret. Stored beside the dump as `manifest.json`, written last and removed first: a backup
 * without a manifest does not exist. Format version 2; see manifest-version-1.ts for what came before.
 */
export const manifestSchema = z.object({
  formatVersion: z.literal(2),
  ...beforeAuthentication,
  server: z.object({
    version: z.string(),
    major: z.int(),
    /** PostgreSQL's own identifier of the cluster: tells databases of one name apart. null where it cannot be read. */
    systemIdentifier: z.string().nullable(),
  }),
  database: z.object({ name: z.string(), sizeBytes: z.int() }),
  /** All that may be a secret, as stored: see details.ts. */
  details: z.object({ name: z.enum([detailsName, sealedDetailsName]), ...content }),
  prisma: z.object({ version: z.string(), appliedMigrations: z.int() }).nullable(),
  counts: z.object({ tables: z.int(), rows: z.int() }),
  proof: z.object({
    /** `restore`: restored and compared; `archive`: length, digest and a full read of the archive. */
    method: z.enum(['restore', 'archive']),
    proved: z.boolean(),
    /** The code of the error for which it is not proved, whose words are among the details; null when it is. */
    problem: z.string().nullable(),
    /** What was compared by the catalogs: version of the list, number of objects by kind. null: nothing, or by an earlier version. */
    inventory: z.object({ version: z.int(), objects: z.record(z.string(), z.int()) }).nullable(),
  }),
  // The last one: what authenticates the rest.
  authentication,
});

/** A manifest as it is written. */
export type StoredManifest = z.infer<typeof manifestSchema>;

/** A manifest of any format version, once it is read. */
export type Manifest = Omit<StoredManifest, 'formatVersion' | 'details'> & {
  /** null: they stand in the manifest itself, which is one of format version 1. */
  readonly details: StoredManifest['details'] | null;
};

/** The stored text of a manifest; people read it too. */
export function renderManifest(manifest: StoredManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
