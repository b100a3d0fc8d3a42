import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { PassedContent } from '../port/content-gate.ts';
import { storageMismatch } from '../port/mismatch.ts';
import { sha256Of } from '../port/sha256-of.ts';
import type { ExpectedContent } from '../port/storage.ts';
import { crc32Text } from './crc32-text.ts';
import type { S3Bucket } from './s3-bucket.ts';

/** Each of them has the SDK's own attempts up to the first byte. */
const readingAttempts = 3;

/**
 * Compares what the bucket holds with what was sent, because a 200 to an upload proves neither length nor
 * content. Where the server keeps a checksum of the whole object that suffices; elsewhere it is read back.
 * `held` is what a HEAD said. Returns how it was verified, for people. Rejects with SM_STORAGE_MISMATCH.
 */
export async function verifyObject(
  bucket: S3Bucket,
  key: string,
  held: HeadObjectCommandOutput | null,
  sent: PassedContent,
  signal: AbortSignal,
): Promise<string> {
  const url = bucket.urlOf(key);
  if (held === null || held.ContentLength !== sent.sizeBytes) {
    throw storageMismatch(url, sent, { sizeBytes: held?.ContentLength ?? 0 });
  }
  // A checksum of checksums (`COMPOSITE`, `…=-4`) depends on the parts and is not the object's.
  if (held.ChecksumType === 'FULL_OBJECT' && held.ChecksumCRC32 !== undefined) {
    if (held.ChecksumCRC32 !== crc32Text(sent.crc32)) {
      throw storageMismatch(url, sent, { sizeBytes: sent.sizeBytes });
    }
    return 'length and CRC-32 of the whole object, as the server computed it';
  }
  const readBack = await readAgain(bucket, key, sent.sizeBytes, signal);
  if (readBack.sizeBytes !== sent.sizeBytes || readBack.sha256 !== sent.sha256) {
    throw storageMismatch(url, sent, readBack);
  }
  return 'read back, length and SHA-256 equal';
}

/** A download that breaks off says nothing about the object: it is begun anew. */
async function readAgain(
  bucket: S3Bucket,
  key: string,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<ExpectedContent> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sha256Of(await bucket.get(key, signal), sizeBytes);
    } catch (error) {
      if (signal.aborted || attempt === readingAttempts) throw error;
    }
  }
}
