import type { BackupDetails } from '../../backup/manifest/details.ts';
import type { Fingerprint } from '../../database/database.ts';
import type { Ready } from '../preflight/preflight.ts';

/** What the snapshot holds, and what a copy of it has to be compared with. */
interface Read {
  readonly fingerprint: Fingerprint;
  readonly schemaText: string;
  readonly hasPublicSchema: boolean;
}

/** All that a backup must look like when it is restored; whether it is proved is not known yet. */
export function backupDetails(id: string, ready: Ready, read: Read): BackupDetails {
  const { database, migrator, history } = ready;
  const { properties } = ready.facts;
  return {
    id,
    address: `${database.address.host}:${database.address.port}`,
    properties: {
      ...properties,
      acl: properties.acl === null ? null : [...properties.acl],
      settings: properties.settings.map(({ role, config }) => ({ role, config: [...config] })),
    },
    prisma:
      migrator === null
        ? null
        : {
            historySchema: migrator.historySchema,
            appliedMigrations: (history ?? [])
              .filter((row) => row.finishedAt !== null && row.rolledBackAt === null)
              .map((row) => ({ name: row.migrationName, checksum: row.checksum })),
          },
    fingerprint: structuredClone(read.fingerprint) as BackupDetails['fingerprint'],
    hasPublicSchema: read.hasPublicSchema,
    proofProblem: null,
    schemaText: read.schemaText,
  };
}
