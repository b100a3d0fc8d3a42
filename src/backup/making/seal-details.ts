import { digestOf } from '../encryption/digest.ts';
import { encrypterFor } from '../encryption/encrypter.ts';
import type { Encryption } from '../encryption/encryption.ts';
import { type BackupDetails, detailsName, renderDetails, sealedDetailsName } from '../manifest/details.ts';
import type { StoredManifest } from '../manifest/manifest.ts';

/** Details as they are stored, and what the manifest says of them. */
export interface SealedDetails {
  readonly field: StoredManifest['details'];
  readonly content: Buffer;
}

/** As readable as the dump is: encrypted to the same keys, or as they are. */
export async function sealDetails(
  details: BackupDetails,
  encryption: Encryption | null,
): Promise<SealedDetails> {
  const plain = Buffer.from(renderDetails(details));
  if (encryption === null) return { field: { name: detailsName, ...digestOf(plain) }, content: plain };
  const encrypter = await encrypterFor(encryption);
  const content = Buffer.from(await encrypter.encrypt(plain));
  return { field: { name: sealedDetailsName, ...digestOf(content) }, content };
}
