import { bech32 } from '@scure/base';

/**
 * Kinds of public keys that age-encryption encrypts to, by their prefix: X25519, and the post-quantum and hardware
 * ones of age 1.3. The first is fixed in its length and what `age-keygen` makes.
 */
const recipientPrefixes = ['age', 'age1pq', 'age1tag', 'age1tagpq'];
const identityPrefixes = ['age-secret-key-', 'age-secret-key-pq-'];

const x25519Bytes = 32;

/** Whether a text is an age public key, its checksum included. */
export function isRecipient(text: string): boolean {
  return text === text.toLowerCase() && isKey(text, recipientPrefixes);
}

/** Whether a text is an age private key, its checksum included. */
export function isIdentity(text: string): boolean {
  return text === text.toUpperCase() && isKey(text, identityPrefixes);
}

/** A private key where it does not belong must not be repeated in a message. */
export function looksLikeIdentity(text: string): boolean {
  return /^age-secret-key-/i.test(text);
}

function isKey(text: string, prefixes: readonly string[]): boolean {
  // Longer than bech32's usual 90 characters are the post-quantum ones.
  const decoded = bech32.decodeUnsafe(text, false);
  if (decoded === undefined || !prefixes.includes(decoded.prefix)) return false;
  const bytes = bech32.fromWordsUnsafe(decoded.words);
  if (!(bytes instanceof Uint8Array)) return false;
  return decoded.prefix !== prefixes[0] || bytes.byteLength === x25519Bytes;
}
