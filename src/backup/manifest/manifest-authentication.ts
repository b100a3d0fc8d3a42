import { createHmac, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../system/secret.ts';
import { type Manifest, renderManifest, type StoredManifest } from './manifest.ts';

/**
 * So that whoever may write to the storage but does not know the passphrase cannot give pg_restore an archive of his
 * own: the manifest holds the digests of dump and details, and this holds the manifest.
 *
 * key ‖ check = scrypt(passphrase, "safe-migrate manifest v1" ‖ salt, N = 2^18, r = 8, p = 1), 32 bytes each;
 * mac = HMAC-SHA256(key, the manifest's bytes with the 64 digits of `mac` set to 0). `check` tells a wrong
 * passphrase from an edited manifest. docs/security.md shows how to verify it without this program.
 */
const saltPrefix = 'safe-migrate manifest v1';
/** As costly as age's own, so that trying passphrases on the manifest is no cheaper than on the file. */
const cost = { N: 2 ** 18, r: 8, p: 1, maxmem: 300 * 1024 ** 2 } as const satisfies ScryptOptions;
const keyBytes = 32;

const noMac = '0'.repeat(64);
const macMember = /(?<="mac": ")[0-9a-f]{64}(?=")/g;

/** The text of a manifest that says by whom it was written: by somebody who knows the passphrase. */
export async function signManifest(
  manifest: Omit<StoredManifest, 'authentication'>,
  passphrase: Secret,
): Promise<string> {
  const salt = randomBytes(16).toString('hex');
  const { key, check } = await deriveKey(passphrase, salt);
  const unsigned = renderManifest({
    ...manifest,
    authentication: { method: 'scrypt-hmac-sha256', salt, check: check.toString('hex'), mac: noMac },
  });
  return unsigned.replace(macMember, macOf(unsigned, key).toString('hex'));
}

type ManifestVerdict = 'authentic' | 'unsigned' | 'wrong-passphrase' | 'edited';

/** `text` is what is stored, byte for byte; `manifest` what was read from it. */
export async function checkManifest(
  text: string,
  { authentication }: Pick<Manifest, 'authentication'>,
  passphrase: Secret,
): Promise<ManifestVerdict> {
  if (authentication === null) return 'unsigned';
  return judgeManifest(text, authentication, await deriveKey(passphrase, authentication.salt));
}

/** The same with a key that was derived before; deriving it is what costs. */
export function judgeManifest(
  text: string,
  authentication: NonNullable<Manifest['authentication']>,
  { key, check }: ManifestKey,
): ManifestVerdict {
  if (!timingSafeEqual(check, Buffer.from(authentication.check, 'hex'))) return 'wrong-passphrase';
  const macs = text.match(macMember) ?? [];
  // Every other byte is covered by it, so that there can only be one.
  if (macs.length !== 1 || macs[0] !== authentication.mac) return 'edited';
  const expected = macOf(text.replace(macMember, noMac), key);
  return timingSafeEqual(expected, Buffer.from(authentication.mac, 'hex')) ? 'authentic' : 'edited';
}

function macOf(text: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

interface ManifestKey {
  readonly key: Buffer;
  readonly check: Buffer;
}

/** `salt`: the manifest's, hex. */
export function deriveKey(passphrase: Secret, salt: string): Promise<ManifestKey> {
  const salted = Buffer.concat([Buffer.from(saltPrefix), Buffer.from(salt, 'hex')]);
  return new Promise((resolve, reject) => {
    scrypt(passphrase.reveal(), salted, 2 * keyBytes, cost, (error, derived) => {
      if (error !== null) reject(error);
      else resolve({ key: derived.subarray(0, keyBytes), check: derived.subarray(keyBytes) });
    });
  });
}
