import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { YoungGarbage } from '../../system/young-garbage.ts';
import type { ExpectedContent } from './storage.ts';

/** Reads a stream to its end, or a little beyond `expectedBytes`: more is wrong already. Rejects with the stream's error. */
export async function sha256Of(
  body: Readable,
  expectedBytes = Number.POSITIVE_INFINITY,
): Promise<ExpectedContent> {
  const hash = createHash('sha256');
  const garbage = new YoungGarbage();
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
    garbage.add(chunk.byteLength);
    if (sizeBytes > expectedBytes) break;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** What a read takes at a time. */
const blockBytes = 1024 * 1024;

/**
 * Reads an open file from its start to its end. Into one buffer over and over: a stream's buffers for every
 * chunk pile up, some 60 MiB of them, before the garbage collector comes by.
 */
export async function sha256OfFile(handle: FileHandle, signal?: AbortSignal): Promise<ExpectedContent> {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafeSlow(blockBytes);
  for (let sizeBytes = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(block, 0, blockBytes, sizeBytes);
    if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
    hash.update(block.subarray(0, bytesRead));
    sizeBytes += bytesRead;
  }
}
