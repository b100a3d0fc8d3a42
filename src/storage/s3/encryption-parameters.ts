import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import type { ServerSideEncryption } from '../port/storage-url.ts';

/** `sse=` of the storage URL in the SDK's terms. */
export function encryptionParameters(
  encryption: ServerSideEncryption | null,
): Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'> {
  if (encryption === null) return {};
  if (encryption.algorithm === 'AES256') return { ServerSideEncryption: 'AES256' };
  return {
    ServerSideEncryption: 'aws:kms',
    ...(encryption.keyId === null ? {} : { SSEKMSKeyId: encryption.keyId }),
  };
}
