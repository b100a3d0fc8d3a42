import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Encryption, Keys } from '../../../src/backup/encryption/encryption.ts';
import { GrowingFile } from '../../../src/backup/making/growing-file.ts';
import { seal } from '../../../src/backup/making/seal.ts';
import { unseal } from '../../../src/backup/stored/unseal.ts';
import { Secret } from '../../../src/system/secret.ts';
import { ageDecrypt, ageEncrypt, ageKeyPair, ageWithPassphrase } from '../../support/age-cli.ts';

const passphrase = 'correct horse: battery "staple" €';
const byPassphrase: Encryption = { kind: 'passphrase', passphrase: new Secret(passphrase) };
const passphraseKeys: Keys = { passphrase: new Secret(passphrase), identities: [] };
const pair = await ageKeyPair();
const other = await ageKeyPair();
const byRecipients: Encryption = { kind: 'recipients', recipients: [other.recipient, pair.recipient] };
const keyOf = (identity: string): string =>
  identity.split('\n').findLast((line) => line.startsWith('AGE')) ?? '';
const identityKeys: Keys = { passphrase: null, identities: [new Secret(keyOf(pair.identity))] };
const never = new AbortController().signal;

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safe-migrate-seal-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Seals a content that is written piece by piece, released at once, and kept as `sealed`. */
async function sealed(content: Buffer, encryption: Encryption): Promise<void> {
  await using dump = await GrowingFile.create(at('dump'));
  await using outgoing = await seal(dump, { encryption, path: at('dump.age'), onFailure: () => {} });
  expect(outgoing.name).toBe('database.dump.age');
  const uploads = [buffer(outgoing.follow()), buffer(outgoing.follow())];
  await pipeline(Readable.from([content.subarray(0, 70_000), content.subarray(70_000)]), dump.writer);
  const described = await outgoing.release();
  const [first, second] = await Promise.all(uploads);
  if (first === undefined || second === undefined) throw new TypeError('two uploads');
  // One sealing, however many storages.
  expect(first.equals(second)).toBe(true);
  expect(described.sizeBytes).toBe(first.byteLength);
  expect((await stat(outgoing.path)).mode & 0o777).toBe(0o600);
  await writeFile(at('sealed'), first);
}

async function opened(keys: Keys): Promise<Buffer> {
  await using plain = await GrowingFile.create(at('plain'));
  await unseal({ id: 'backup_x', sealed: createReadStream(at('sealed')) }, keys, plain.writer, never);
  await plain.content;
  return await readFile(plain.path);
}

describe('a sealed dump', () => {
  test.each([0, 1, 65_536, 65_537, 3_000_001])('of %i bytes is opened again', async (sizeBytes) => {
    const content = randomBytes(sizeBytes);
    await sealed(content, byRecipients);
    expect((await opened(identityKeys)).equals(content)).toBe(true);
  });

  test('is opened with its passphrase and with no other', async () => {
    const content = randomBytes(200_000);
    await sealed(content, byPassphrase);
    expect((await opened(passphraseKeys)).equals(content)).toBe(true);
    const wrong = { passphrase: new Secret('wrong'), identities: [] };
    await expect(opened(wrong)).rejects.toMatchObject({ code: 'SM_WRONG_PASSPHRASE' });
  });

  test('is opened by none but the recipients', async () => {
    await sealed(Buffer.from('x'), { kind: 'recipients', recipients: [other.recipient] });
    await expect(opened(identityKeys)).rejects.toMatchObject({ code: 'SM_WRONG_IDENTITY' });
  });

  test.each([
    ['flipped bit', (whole: Buffer) => whole.map((byte, at) => (at === 100_000 ? byte ^ 1 : byte))],
    ['missing end', (whole: Buffer) => whole.subarray(0, -1000)],
    ['missing last piece', (whole: Buffer) => whole.subarray(0, -(whole.length % 65_552) - 16)],
    ['piece of something else', () => Buffer.from('PGDMP')],
  ])('with a %s is not taken for whole', async (_what, damage) => {
    await sealed(randomBytes(300_000), byRecipients);
    await writeFile(at('sealed'), damage(await readFile(at('sealed'))));
    await expect(opened(identityKeys)).rejects.toMatchObject({ code: 'SM_BACKUP_DAMAGED' });
  });

  test('is not whole before the dump is released', async () => {
    await using dump = await GrowingFile.create(at('dump'));
    await using outgoing = await seal(dump, {
      encryption: byRecipients,
      path: at('dump.age'),
      onFailure: () => {},
    });
    await pipeline(Readable.from([randomBytes(100_000)]), dump.writer);
    const upload = buffer(outgoing.follow());
    const failure = new Error('the proof failed');
    dump.fail(failure);
    await expect(upload).rejects.toThrow('the proof failed');
    await expect(outgoing.content).rejects.toThrow('the proof failed');
  });

  test('is told when it cannot be written on', async () => {
    await using dump = await GrowingFile.create(at('dump'));
    const told = Promise.withResolvers<unknown>();
    await using outgoing = await seal(dump, {
      encryption: byRecipients,
      path: at('dump.age'),
      onFailure: told.resolve,
    });
    await outgoing[Symbol.asyncDispose]();
    expect(await told.promise).toBeInstanceOf(Error);
  });
});

describe('the age tool', () => {
  test('opens what is sealed to recipients, and its own files are opened', async () => {
    const content = randomBytes(500_000);
    await sealed(content, byRecipients);
    await ageDecrypt(at('sealed'), at('by-age'), pair.identity);
    expect((await readFile(at('by-age'))).equals(content)).toBe(true);

    await rm(at('sealed'));
    await ageEncrypt(at('by-age'), at('sealed'), pair.recipient);
    expect((await opened(identityKeys)).equals(content)).toBe(true);
  });

  test('opens what is sealed with a passphrase, and its own files are opened', async () => {
    const content = randomBytes(500_000);
    await sealed(content, byPassphrase);
    await ageWithPassphrase(['--decrypt', `--output=${at('by-age')}`, at('sealed')], passphrase);
    expect((await readFile(at('by-age'))).equals(content)).toBe(true);

    await rm(at('sealed'));
    await ageWithPassphrase(['--passphrase', `--output=${at('sealed')}`, at('by-age')], passphrase);
    expect((await opened(passphraseKeys)).equals(content)).toBe(true);
  });
});
