import { type Manifest, renderManifest } from '../backup/manifest.ts';
import { signManifest } from '../backup/manifest-authentication.ts';
import { packSchemaText } from '../backup/schema-text-field.ts';
import type { Fingerprint } from '../database/database.ts';
import type { ExpectedContent } from '../storage/storage.ts';
import type { SafeMigrateError } from '../system/errors.ts';
import type { CommandContext } from './context.ts';
import type { Ready } from './preflight.ts';
import { systemIdentifierOf } from './server-origin.ts';
import type { BackupMaking } from './settings.ts';

/** What a manifest says beside what everybody knows. */
export interface Described {
  readonly id: string;
  /** As stored. */
  readonly file: Manifest['file'];
  /** The plain dump. */
  readonly content: ExpectedContent;
  readonly takenAt: string;
  readonly fingerprint: Fingerprint;
  readonly schemaText: string;
  readonly hasPublicSchema: boolean;
  /** Why the dump is not proved to restore although it should have been; null when all is well. */
  readonly proofError: SafeMigrateError | null;
}

/** The manifest of a backup as it is stored, authenticated where there is a passphrase to do it with. */
export async function manifestText(
  context: CommandContext,
  settings: BackupMaking,
  ready: Ready,
  backup: Described,
): Promise<string> {
  const manifest = describe(context, settings, ready, backup, await systemIdentifierOf(ready.database));
  const { encryption } = settings;
  return encryption?.kind === 'passphrase'
    ? await signManifest(manifest, encryption.passphrase)
    : renderManifest({ ...manifest, authentication: null });
}

function describe(
  context: CommandContext,
  settings: BackupMaking,
  ready: Ready,
  backup: Described,
  systemIdentifier: string | null,
): Omit<Manifest, 'authentication'> {
  const { database, migrator, facts, history } = ready;
  return {
    formatVersion: 1,
    id: backup.id,
    createdAt: backup.takenAt,
    command: settings.command,
    tools: { pgDump: database.toolsFact },
    server: {
      version: database.server.text,
      major: database.server.major,
      systemIdentifier,
      address: `${database.address.host}:${database.address.port}`,
    },
    database: {
      name: database.address.database,
      sizeBytes: facts.sizeBytes,
      properties: {
        ...facts.properties,
        acl: facts.properties.acl === null ? null : [...facts.properties.acl],
        settings: facts.properties.settings.map(({ role, config }) => ({ role, config: [...config] })),
      },
    },
    file: backup.file,
    plain: { ...backup.content },
    encryption: encryptionField(settings),
    prisma:
      migrator === null
        ? null
        : {
            version: migrator.version,
            historySchema: migrator.historySchema,
            appliedMigrations: (history ?? [])
              .filter((row) => row.finishedAt !== null && row.rolledBackAt === null)
              .map((row) => ({ name: row.migrationName, checksum: row.checksum })),
          },
    fingerprint: structuredClone(backup.fingerprint) as Manifest['fingerprint'],
    proof: {
      method: settings.verify,
      proved: settings.verify === 'restore' && backup.proofError === null,
      problem: backup.proofError?.message ?? null,
    },
    gitCommit: context.run.commit,
    runUrl: context.run.url,
    schema: { ...packSchemaText(backup.schemaText), hasPublic: backup.hasPublicSchema },
  };
}

function encryptionField({ encryption }: BackupMaking): Manifest['encryption'] {
  if (encryption?.kind !== 'recipients') return encryption === null ? null : { kind: 'passphrase' };
  return { kind: 'recipients', recipients: [...encryption.recipients] };
}
