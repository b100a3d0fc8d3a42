import type { PassedContent } from '../content-gate.ts';
import { storageMismatch } from '../mismatch.ts';
import { sha256Of } from '../sha256-of.ts';
import type { S3Bucket } from './s3-bucket.ts';

/** Metadata by which an upload knows its own object again, whatever the answer to it was. */
export const uploadMark = 'safe-migrate-upload';

/**
 * Compares what the bucket holds with what was sent, because a 200 to an upload proves neither length nor
 * content. Where the server keeps a checksum of the whole object that suffices; elsewhere it is read back.
 * Returns how it was verified, for people. Rejects with SM_STORAGE_MISMATCH.
 */
export async function verifyObject(
  bucket: S3Bucket,
  key: string,
  sent: PassedContent,
  signal: AbortSignal,
): Promise<string> {
  const url = bucket.urlOf(key);
  const held = await bucket.head(key, signal);
  if (held === null || held.ContentLength !== sent.sizeBytes) {
    throw storageMismatch(url, sent, { sizeBytes: held?.ContentLength ?? 0 });
  }
  // A checksum of checksums (`COMPOSITE`, `…=-4`) depends on the parts and is not the object's.
  if (held.ChecksumType === 'FULL_OBJECT' && held.ChecksumCRC32 !== undefined) {
    const crc32 = Buffer.alloc(4);
    crc32.writeUInt32BE(sent.crc32);
    if (held.ChecksumCRC32 !== crc32.toString('base64')) {
      throw storageMismatch(url, sent, { sizeBytes: sent.sizeBytes });
    }
    return 'length and CRC-32 of the whole object, as the server computed it';
  }
  const readBack = await sha256Of(await bucket.get(key, signal));
  if (readBack.sizeBytes !== sent.sizeBytes || readBack.sha256 !== sent.sha256) {
    throw storageMismatch(url, sent, readBack);
  }
  return 'read back, length and SHA-256 equal';
}
