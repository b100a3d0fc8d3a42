import type { Secret } from '../../system/secret.ts';

/** How backups are encrypted, as the user asked for it. */
export type Encryption =
  | { readonly kind: 'passphrase'; readonly passphrase: Secret }
  /** age public keys, at least one; whoever has the private key of any of them can open the backup. */
  | { readonly kind: 'recipients'; readonly recipients: readonly string[] };

/** What opens an encrypted backup. */
export interface Keys {
  readonly passphrase: Secret | null;
  /** age private keys; may be none. */
  readonly identities: readonly Secret[];
}

/** Shorter ones are warned about: whoever gets hold of a backup can try passphrases for as long as he likes. */
export const shortestGoodPassphrase = 16;
