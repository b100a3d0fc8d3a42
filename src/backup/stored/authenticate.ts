import { SafeMigrateError } from '../../system/errors.ts';
import type { Keys } from '../encryption/encryption.ts';
import { checkManifest } from '../manifest/manifest-authentication.ts';
import type { ListedBackup } from './stored-backups.ts';

/**
 * Makes sure, before anything of a backup is used, that its manifest was written by somebody who knows the
 * passphrase, and that there is a key that may open the file. Returns whether it is authenticated; without a
 * passphrase nothing can say so, and it rests on the storage's permissions.
 * Rejects with SM_PASSPHRASE_MISSING, SM_IDENTITY_MISSING, SM_WRONG_PASSPHRASE or SM_MANIFEST_NOT_AUTHENTIC.
 */
export async function authenticate(
  { id, manifest, manifestText, places }: ListedBackup,
  keys: Keys,
): Promise<boolean> {
  const where = places.map(({ url }) => url).join(', ');
  if (keys.passphrase === null) {
    if (manifest.encryption?.kind === 'passphrase' || manifest.authentication !== null) {
      throw new SafeMigrateError({
        code: 'SM_PASSPHRASE_MISSING',
        message: `${id} is encrypted with a passphrase, and encryption-passphrase is not given`,
        hint: 'Give the passphrase that the backup was made with.',
        docs: 'security.md',
        phase: 'fetch',
      });
    }
    if (manifest.encryption?.kind === 'recipients' && keys.identities.length === 0) {
      throw new SafeMigrateError({
        code: 'SM_IDENTITY_MISSING',
        message: `${id} is encrypted to age public keys, and encryption-identity is not given`,
        hint: `Give the private key of one of these: ${manifest.encryption.recipients.join(', ')}.`,
        docs: 'security.md',
        phase: 'fetch',
      });
    }
    return false;
  }
  switch (await checkManifest(manifestText, manifest, keys.passphrase)) {
    case 'authentic':
      return true;
    case 'wrong-passphrase':
      throw wrongPassphrase(id);
    case 'edited':
      throw notAuthentic(`the manifest of ${id} was changed after it was written (${where})`);
    case 'unsigned':
      throw notAuthentic(
        `the manifest of ${id} is not authenticated: anybody who may write to the storage can have written it (${where})`,
        'Backups that were made without a passphrase are used without encryption-passphrase; do that only where you trust everybody who may write to the storage.',
      );
  }
}

export function wrongPassphrase(id: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_WRONG_PASSPHRASE',
    message: `encryption-passphrase is not the passphrase that ${id} was made with`,
    hint: 'Give the passphrase of that time: a changed secret does not change the backups that were made before.',
    docs: 'security.md',
    phase: 'fetch',
  });
}

function notAuthentic(
  message: string,
  hint = 'Use another backup, or another storage that holds this one, and find out who may write to the storage.',
): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_MANIFEST_NOT_AUTHENTIC',
    message,
    hint,
    docs: 'security.md',
    phase: 'fetch',
  });
}
