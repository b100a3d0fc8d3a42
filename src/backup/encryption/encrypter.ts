import type { Encrypter } from 'age-encryption';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import type { Encryption } from './encryption.ts';

/** What encrypts to the keys that the user gave. Rejects with SM_ENCRYPTION. */
export async function encrypterFor(encryption: Encryption): Promise<Encrypter> {
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  try {
    if (encryption.kind === 'passphrase') encrypter.setPassphrase(encryption.passphrase.reveal());
    else for (const recipient of encryption.recipients) encrypter.addRecipient(recipient);
  } catch (error) {
    throw cannotEncrypt(error);
  }
  return encrypter;
}

/** The library's word for keys that are none. */
export function cannotEncrypt(cause: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_ENCRYPTION',
    message: `the backup cannot be encrypted: ${messageOf(cause)}`,
    hint: 'Look at encryption-recipients: every line must be a public key that age-keygen printed.',
    docs: 'security.md',
    cause,
  });
}
