import { type BackupDetails, countsOf } from '../../backup/manifest/details.ts';
import { renderManifest, type StoredManifest } from '../../backup/manifest/manifest.ts';
import { signManifest } from '../../backup/manifest/manifest-authentication.ts';
import type { ExpectedContent } from '../../storage/port/storage.ts';
import type { SafeMigrateError } from '../../system/errors.ts';
import type { Ready } from '../preflight/preflight.ts';
import type { CommandContext } from '../shared/context.ts';
import { systemIdentifierOf } from '../shared/server-origin.ts';
import type { BackupMaking } from '../shared/settings.ts';

/** What a manifest says beside what everybody knows. */
interface Described {
  /** As stored. */
  readonly file: StoredManifest['file'];
  /** The plain dump. */
  readonly content: ExpectedContent;
  readonly takenAt: string;
  readonly details: BackupDetails;
  /** The details as stored. */
  readonly detailsFile: StoredManifest['details'];
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
  { database, migrator, facts }: Ready,
  { details, ...backup }: Described,
  systemIdentifier: string | null,
): Omit<StoredManifest, 'authentication'> {
  const { text: version, major } = database.server;
  const { inventory } = details.fingerprint;
  const proved = settings.verify === 'restore' && backup.proofError === null;
  return {
    formatVersion: 2,
    id: details.id,
    createdAt: backup.takenAt,
    command: settings.command,
    tools: { pgDump: database.toolsFact },
    file: backup.file,
    plain: { ...backup.content },
    encryption: encryptionField(settings),
    gitCommit: context.run.commit,
    runUrl: context.run.url,
    server: { version, major, systemIdentifier },
    database: { name: database.address.database, sizeBytes: facts.sizeBytes },
    details: backup.detailsFile,
    prisma:
      migrator === null || details.prisma === null
        ? null
        : { version: migrator.version, appliedMigrations: details.prisma.appliedMigrations.length },
    counts: countsOf(details),
    proof: {
      method: settings.verify,
      proved,
      problem: backup.proofError?.code ?? null,
      inventory:
        !proved || inventory === null ? null : { version: inventory.version, objects: inventory.counts },
    },
  };
}

function encryptionField({ encryption }: BackupMaking): StoredManifest['encryption'] {
  if (encryption?.kind !== 'recipients') return encryption === null ? null : { kind: 'passphrase' };
  return { kind: 'recipients', recipients: [...encryption.recipients] };
}
