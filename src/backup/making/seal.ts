import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExpectedContent } from '../../storage/port/storage.ts';
import { clearingAway } from '../encryption/clearing-away.ts';
import { cannotEncrypt, encrypterFor } from '../encryption/encrypter.ts';
import type { Encryption } from '../encryption/encryption.ts';
import { sealedDumpName } from '../manifest/manifest.ts';
import { GrowingFile } from './growing-file.ts';
import type { Outgoing } from './outgoing.ts';

/**
 * The dump, encrypted while it grows, into a second growing file: one sealing for all storages, so that all of them
 * hold the same bytes. In age's binary format, which `age --decrypt` opens.
 *
 * Resolves when the key is made (with a passphrase that takes a second and some 400 MB), before the dump begins.
 * What goes wrong afterwards is told to `onFailure`, and to whoever follows the file.
 */
export async function seal(
  dump: GrowingFile,
  options: {
    readonly encryption: Encryption;
    readonly path: string;
    readonly onFailure: (error: unknown) => void;
  },
): Promise<Outgoing> {
  const encrypter = await encrypterFor(options.encryption);
  const sealed = await GrowingFile.create(options.path);
  const source = dump.follow();
  let ciphertext: ReadableStream<Uint8Array>;
  try {
    ciphertext = await encrypter.encrypt(Readable.toWeb(source) as ReadableStream<Uint8Array>);
  } catch (error) {
    source.destroy();
    await sealed[Symbol.asyncDispose]();
    throw cannotEncrypt(error);
  }
  const sealing = pipeline(
    Readable.fromWeb(ciphertext as Parameters<typeof Readable.fromWeb>[0]),
    clearingAway,
    sealed.writer,
  );
  sealing.catch((error: unknown) => {
    sealed.fail(error);
    options.onFailure(error);
  });
  return {
    name: sealedDumpName,
    path: sealed.path,
    content: sealed.content,
    follow: () => sealed.follow(),
    async release(): Promise<ExpectedContent> {
      // The last piece of ciphertext is only made now: what ends early cannot be opened.
      dump.release();
      await sealing;
      sealed.release();
      return sealed.content;
    },
    async [Symbol.asyncDispose]() {
      await sealed[Symbol.asyncDispose]();
      await sealing.catch(() => {});
    },
  };
}
