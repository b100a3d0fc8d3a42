import { abortUpload, begunUploads } from './abort-upload.ts';
import type { S3Bucket } from './s3-bucket.ts';

/** Aborts every multipart upload below `prefix`: parts cost money until somebody does. */
export async function abandonUploads(bucket: S3Bucket, prefix: string, signal: AbortSignal): Promise<void> {
  const root = bucket.location.prefix === '' ? '' : `${bucket.location.prefix}/`;
  try {
    for (const { fullKey, uploadId } of await begunUploads(bucket, `${root}${prefix}`, signal)) {
      await abortUpload(bucket, fullKey, uploadId, signal);
    }
  } catch (error) {
    throw await bucket.errorFor(error, 'list', `s3://${bucket.location.bucket}/${root}${prefix}`, signal);
  }
}
