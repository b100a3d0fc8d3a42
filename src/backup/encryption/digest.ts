import { createHash } from 'node:crypto';
import type { ExpectedContent } from '../../storage/port/storage.ts';

/** Length and SHA-256 of a small content that is wholly in memory. */
export function digestOf(content: Uint8Array): ExpectedContent {
  return {
    sizeBytes: content.byteLength,
    sha256: createHash('sha256').update(content).digest('hex'),
  };
}
