import type { BackupRecord } from './report.ts';

/** How a backup is encrypted, and what says that it is the one that was made. */
export function encryptionSentence(encryption: BackupRecord['encryption']): string {
  switch (encryption) {
    case 'passphrase':
      return 'with the passphrase, which also authenticates the manifest';
    case 'recipients':
      return "to age public keys; that nobody has exchanged it rests on the storage's permissions";
    case null:
      return "no; that nobody has read or exchanged it rests on the storage's permissions";
  }
}
