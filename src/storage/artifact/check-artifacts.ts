import { SafeMigrateError } from '../../system/errors.ts';
import type { ArtifactAccess } from './artifact-access.ts';

/** Where artifacts of this form exist: github.com and the enterprise cloud, never a server of one's own. */
export function refuseWithoutArtifacts(access: ArtifactAccess): void {
  const host = new URL(access.serverUrl).hostname.toLowerCase();
  if (host !== 'github.com' && !host.endsWith('.ghe.com')) {
    throw new SafeMigrateError({
      code: 'SM_ARTIFACT_UNAVAILABLE',
      message: `artifact:// needs GitHub's artifact service, which GitHub Enterprise Server (${host}) does not have`,
      hint: 'Use s3:// or file:// in `storage`.',
      docs: 'storage.md',
    });
  }
  if (access.repository === null) {
    throw new SafeMigrateError({
      code: 'SM_ARTIFACT_UNAVAILABLE',
      message: 'artifact:// exists only in a job of GitHub Actions',
      hint: 'Use s3:// or file:// in `storage`.',
      docs: 'storage.md',
    });
  }
}

/**
 * Whoever can read the repository can download its artifacts, and from a public one everybody can: there a backup
 * that is not encrypted is refused whatever the storage's URL says.
 */
export function refusePlaintext(
  repository: string,
  given: {
    readonly isEncrypted: boolean;
    readonly plaintextAllowed: boolean;
    readonly isPublic: boolean | null;
  },
): void {
  if (given.isEncrypted) return;
  // Where neither the event nor GitHub tells, the worse is assumed.
  if (given.isPublic !== false) {
    throw new SafeMigrateError({
      code: 'SM_ARTIFACT_PUBLIC',
      message: given.isPublic
        ? `everybody can download the artifacts of ${repository}, because it is public, and the backup would not be encrypted: ${noKey}`
        : `the backup would not be encrypted: ${noKey}. Everybody can download the artifacts of a public repository, and neither the event nor GitHub's API says whether ${repository} is one`,
      hint: encryptionHint(repository),
      docs: 'storage.md',
    });
  }
  if (!given.plaintextAllowed) {
    throw new SafeMigrateError({
      code: 'SM_ARTIFACT_PLAINTEXT',
      message: `everybody who can read ${repository} can download its artifacts, and the backup would not be encrypted: ${noKey}`,
      hint: `${encryptionHint(repository)} Or write artifact://?plaintext=allow when every reader may see the data.`,
      docs: 'storage.md',
    });
  }
}

const noKey = 'encryption-passphrase is empty (a secret that does not exist arrives as an empty text)';

/** One command makes the secret; GitHub never shows it again, so it is printed once. */
function encryptionHint(repository: string): string {
  return [
    `Create a passphrase and keep what is printed, because GitHub never shows it again: openssl rand -base64 32 | tee /dev/stderr | gh secret set SAFE_MIGRATE_PASSPHRASE --repo ${repository};`,
    `then give this step encryption-passphrase: \${{ secrets.SAFE_MIGRATE_PASSPHRASE }}.`,
  ].join(' ');
}
