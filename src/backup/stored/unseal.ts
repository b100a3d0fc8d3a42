import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Decrypter } from 'age-encryption';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import { clearingAway } from '../encryption/clearing-away.ts';
import type { Keys } from '../encryption/encryption.ts';
import { wrongPassphrase } from './authenticate.ts';

/**
 * Decrypts what was sealed, whoever made it: this program or `age`. Rejects with SM_WRONG_PASSPHRASE or
 * SM_WRONG_IDENTITY when no key fits, and with SM_BACKUP_DAMAGED when it is no age file or not whole.
 */
export async function unseal(
  backup: { readonly id: string; readonly sealed: Readable },
  keys: Keys,
  plain: Writable,
  signal: AbortSignal,
  limit: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> = (body) => body,
): Promise<void> {
  const { sealed } = backup;
  try {
    const decrypter = await decrypterFor(keys);
    const plaintext = await decrypter.decrypt(Readable.toWeb(sealed) as ReadableStream<Uint8Array>);
    await pipeline(
      Readable.fromWeb(plaintext as Parameters<typeof Readable.fromWeb>[0]),
      limit,
      clearingAway,
      plain,
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SafeMigrateError) throw error;
    throw cannotOpen(backup.id, keys, error);
  } finally {
    sealed.destroy();
  }
}

async function decrypterFor(keys: Keys): Promise<Decrypter> {
  const age = await import('age-encryption');
  const decrypter = new age.Decrypter();
  if (keys.passphrase !== null) decrypter.addPassphrase(keys.passphrase.reveal());
  for (const identity of keys.identities) decrypter.addIdentity(identity.reveal());
  return decrypter;
}

function cannotOpen(id: string, keys: Keys, cause: unknown): SafeMigrateError {
  // The library has no codes; this is its word for "none of the keys".
  if (messageOf(cause).includes('no identity matched')) {
    if (keys.identities.length === 0) return wrongPassphrase(id);
    return new SafeMigrateError({
      code: 'SM_WRONG_IDENTITY',
      message: `none of the keys in encryption-identity opens ${id}`,
      hint: 'The manifest names the public keys that the backup is encrypted to (encryption.recipients).',
      docs: 'security.md',
      phase: 'fetch',
      cause,
    });
  }
  return new SafeMigrateError({
    code: 'SM_BACKUP_DAMAGED',
    message: `${id} cannot be decrypted: ${messageOf(cause)}`,
    hint: 'Use another storage that holds this backup, or another backup.',
    docs: 'storage.md',
    phase: 'fetch',
    cause,
  });
}
