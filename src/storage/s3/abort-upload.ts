import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import { untilStopped } from '../port/until-stopped.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { isForbidden, isNotFound, isUploadGone } from './s3-errors.ts';

const attempts = 5;

/**
 * Aborts one multipart upload of the object `key`; it is no error when it is gone or an object by now. A part that was
 * under way may still arrive after an abort (AWS's API reference), so it is aborted until there is none.
 */
export async function abortUpload(
  bucket: S3Bucket,
  fullKey: string,
  uploadId: string,
  signal: AbortSignal,
): Promise<void> {
  const { client, location } = bucket;
  const upload = { Bucket: location.bucket, Key: fullKey, UploadId: uploadId };
  const isGone = async (): Promise<boolean> => {
    try {
      const parts = new ListPartsCommand({ ...upload, MaxParts: 1 });
      await untilStopped(signal, client.send(parts, { abortSignal: signal }));
      return false;
    } catch (error) {
      // Without s3:ListMultipartUploadParts the abort's own word has to do.
      if (isUploadGone(error) || isNotFound(error) || isForbidden(error)) return true;
      throw error;
    }
  };
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      const abort = new AbortMultipartUploadCommand(upload);
      await untilStopped(signal, client.send(abort, { abortSignal: signal }));
    } catch (error) {
      if (isUploadGone(error)) return;
      throw error;
    }
    if (await isGone()) return;
  }
  throw new Error(`the multipart upload ${uploadId} is still there after it was aborted`);
}

/** Uploads whose key begins with `fullPrefix`. */
export async function begunUploads(
  { client, location }: S3Bucket,
  fullPrefix: string,
  signal: AbortSignal,
): Promise<
  readonly { readonly fullKey: string; readonly uploadId: string; readonly begunAt: Date | null }[]
> {
  const list = new ListMultipartUploadsCommand({ Bucket: location.bucket, Prefix: fullPrefix });
  const { Uploads: uploads = [] } = await untilStopped(signal, client.send(list, { abortSignal: signal }));
  return uploads.flatMap(({ Key: fullKey, UploadId: uploadId, Initiated: begunAt = null }) =>
    fullKey === undefined || uploadId === undefined || !fullKey.startsWith(fullPrefix)
      ? []
      : [{ fullKey, uploadId, begunAt }],
  );
}
