import type { Encryption } from '../../backup/encryption/encryption.ts';
import type { RetentionPolicy } from '../../backup/stored/retention.ts';
import type { Storage } from '../../storage/port/storage.ts';
import type { StorageUrl } from '../../storage/port/storage-url.ts';
import type { CommandContext } from './context.ts';

/** The storages that a command was given, in their order. Retention and encryption are for those that store something. */
export function openStorages(
  context: CommandContext,
  settings: {
    readonly command: string;
    readonly storages: readonly StorageUrl[];
    readonly retention?: RetentionPolicy;
    readonly encryption?: Encryption | null;
  },
): readonly Storage[] {
  const { migrateDays, otherDays } = settings.retention ?? { migrateDays: 1, otherDays: 1 };
  return settings.storages.map((url) =>
    context.ports.openStorage(url, {
      retentionDays: settings.command === 'migrate' ? migrateDays : otherDays,
      isEncrypted: (settings.encryption ?? null) !== null,
      workFolder: context.workFolder,
    }),
  );
}
