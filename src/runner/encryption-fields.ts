import { z } from 'zod';
import { isIdentity, isRecipient, looksLikeIdentity } from '../backup/encryption/age-keys.ts';
import { type Encryption, shortestGoodPassphrase } from '../backup/encryption/encryption.ts';
import type { Problem } from '../system/errors.ts';
import { Secret } from '../system/secret.ts';
import type { RawInputs } from './input-catalogue.ts';
import { addIssue, linesOf, refuse, shown } from './input-fields.ts';

/** A passphrase as somebody could type it at the prompt of `age`. */
export function passphrase() {
  return z.string().transform((given, context): Secret => {
    if (!/\p{Cc}/u.test(given)) return new Secret(given);
    return refuse(context, {
      code: 'SM_INPUT',
      message: 'holds a line break or another control character',
      hint: 'Give one line, so that it can be typed at the prompt of `age --decrypt`; e.g. from `openssl rand -base64 32`.',
    });
  });
}

/** age public keys, one per line; empty lines and comments are passed over, as in age's own files. */
export function recipients() {
  return z.string().transform((given, context): readonly string[] => {
    const keys = keyLines(given);
    for (const { line, text } of keys) {
      if (isRecipient(text)) continue;
      addIssue(context, {
        code: 'SM_INPUT',
        message: looksLikeIdentity(text)
          ? `line ${line} is a private key; backups are encrypted to public ones`
          : `line ${line}, ${shown(text)}, is no age public key`,
        hint: 'Give what `age-keygen` prints as "Public key": age1… (62 characters). SSH keys and plugins do not work here.',
      });
    }
    if (keys.length === 0)
      addIssue(context, noKeys('`age-keygen -o key.txt` makes one and prints its public key.'));
    return keys.map(({ text }) => text);
  });
}

/** age private keys, one per line, or a whole file of `age-keygen`. Never repeated in a message. */
export function identities() {
  return z.string().transform((given, context): readonly Secret[] => {
    const keys = keyLines(given);
    for (const { line, text } of keys) {
      if (isIdentity(text)) continue;
      addIssue(context, {
        code: 'SM_INPUT',
        message: `line ${line} is no age private key`,
        hint: 'Give the content of the file that `age-keygen` wrote: AGE-SECRET-KEY-1… SSH keys, plugins and encrypted key files do not work here.',
      });
    }
    if (keys.length === 0) addIssue(context, noKeys('Give the content of the file that `age-keygen` wrote.'));
    return keys.map(({ text }) => new Secret(text));
  });
}

/** What is to be masked of an identity file: its keys, beside the whole of it. */
export function secretLines(identity: string): readonly string[] {
  return keyLines(identity).map(({ text }) => text);
}

/** The two ways to encrypt exclude each other, in age as well. */
export function encryptionConflict(raw: RawInputs): Problem[] {
  if (raw['encryption-passphrase'] === '' || raw['encryption-recipients'] === '') return [];
  return [
    {
      code: 'SM_INPUT',
      message: 'encryption-recipients: cannot be given together with encryption-passphrase',
      hint: 'A passphrase opens and authenticates backups; recipients keep the key to open them off this job. Give one of the two.',
    },
  ];
}

/** What the two inputs mean together. */
export function encryptionOf(fields: {
  readonly 'encryption-passphrase': Secret | null;
  readonly 'encryption-recipients': readonly string[] | null;
}): Encryption | null {
  const given = { passphrase: fields['encryption-passphrase'], recipients: fields['encryption-recipients'] };
  if (given.passphrase !== null) return { kind: 'passphrase', passphrase: given.passphrase };
  return given.recipients === null ? null : { kind: 'recipients', recipients: given.recipients };
}

export function encryptionWarnings(encryption: Encryption | null): string[] {
  if (encryption?.kind !== 'passphrase') return [];
  const { length } = [...encryption.passphrase.reveal()];
  if (length >= shortestGoodPassphrase) return [];
  return [
    `encryption-passphrase: it has fewer than ${shortestGoodPassphrase} characters; whoever gets hold of a backup can try passphrases for as long as he likes (\`openssl rand -base64 32\` makes a good one)`,
  ];
}

function keyLines(text: string): { readonly line: number; readonly text: string }[] {
  return linesOf(text)
    .map((line, index) => ({ line: index + 1, text: line }))
    .filter((each) => !each.text.startsWith('#'));
}

function noKeys(hint: string): Problem {
  return { code: 'SM_INPUT', message: 'holds comments only, and no key', hint };
}
