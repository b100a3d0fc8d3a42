import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { type BackupDetails, countsOf, detailsSchema, maximumDetailsBytes } from './details.ts';
import { commonFields, type Manifest } from './manifest.ts';

const { id: _id, properties, fingerprint } = detailsSchema.shape;

/** A manifest of format version 1: it holds the details as well, readable for everybody. Read, and never written. */
export const manifestVersion1Schema = z.object({
  formatVersion: z.literal(1),
  ...commonFields,
  server: z.object({
    version: z.string(),
    major: z.int(),
    systemIdentifier: z.string().nullable().default(null),
    address: z.string().nullable().default(null),
  }),
  database: z.object({ name: z.string(), sizeBytes: z.int(), properties }),
  prisma: z
    .object({
      version: z.string(),
      historySchema: z.string(),
      appliedMigrations: z.array(z.object({ name: z.string(), checksum: z.string() })),
    })
    .nullable(),
  fingerprint,
  proof: z.object({
    method: z.enum(['restore', 'archive']),
    proved: z.boolean(),
    problem: z.string().nullable(),
  }),
  schema: z.object({ encoding: z.literal('gzip+base64'), text: z.string(), hasPublic: z.boolean() }),
});

export type ManifestVersion1 = z.infer<typeof manifestVersion1Schema>;

/** As if it had been written by this version, its details left where they are. */
export function manifestOfVersion1(old: ManifestVersion1): Manifest {
  const { formatVersion: _, schema, fingerprint, server, database, prisma, proof, ...same } = old;
  const { version, major, systemIdentifier } = server;
  return {
    ...same,
    server: { version, major, systemIdentifier },
    database: { name: database.name, sizeBytes: database.sizeBytes },
    details: null,
    prisma:
      prisma === null
        ? null
        : { version: prisma.version, appliedMigrations: prisma.appliedMigrations.length },
    counts: countsOf({ fingerprint }),
    proof: { ...proof, inventory: null },
  };
}

/** What this version keeps beside the manifest. Throws when the schema cannot be unpacked. */
export function detailsOfVersion1({ id, server, database, prisma, ...old }: ManifestVersion1): BackupDetails {
  const packed = Buffer.from(old.schema.text, 'base64');
  return {
    id,
    address: server.address,
    properties: database.properties,
    prisma:
      prisma === null
        ? null
        : { historySchema: prisma.historySchema, appliedMigrations: prisma.appliedMigrations },
    fingerprint: old.fingerprint,
    hasPublicSchema: old.schema.hasPublic,
    proofProblem: old.proof.problem,
    schemaText: gunzipSync(packed, { maxOutputLength: maximumDetailsBytes }).toString('utf8'),
  };
}
