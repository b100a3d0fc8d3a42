import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ExpectedContent } from './storage.ts';

/** Reads a stream to its end. Rejects with the stream's error. */
export async function sha256Of(body: Readable): Promise<ExpectedContent> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
