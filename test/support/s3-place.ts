import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { Storage } from '../../src/storage/port/storage.ts';
import { parseStorageUrl } from '../../src/storage/port/storage-url.ts';
import type { S3Options } from '../../src/storage/s3/s3-options.ts';
import { s3Storage } from '../../src/storage/s3/s3-storage.ts';
import type { Ceph, CephUser } from './ceph.ts';
import type { StoragePlace } from './storage-contract.ts';

/** The storage behind an `s3://` URL, with credentials of its own instead of the environment's. */
export function s3StorageFor(url: string, user: CephUser, options: S3Options = {}): Storage {
  const location = parseStorageUrl(url);
  if (location.kind !== 's3') throw new TypeError(`${url} is not s3://`);
  return s3Storage(location, {
    ...options,
    credentials: { accessKeyId: user.accessKey, secretAccessKey: user.secretKey },
  });
}

/** An empty bucket of the owner's. `endpoint` puts something (a faulty proxy) between storage and server. */
export async function s3Place(
  ceph: Ceph,
  options: { readonly prefix?: string; readonly endpoint?: string; readonly query?: string } = {},
): Promise<StoragePlace & { readonly bucket: string }> {
  const bucket = await ceph.createBucket();
  const url = ceph.storageUrl(bucket, options.prefix ?? '', options.endpoint ?? ceph.endpoint);
  return {
    bucket,
    storage: s3StorageFor(`${url}${options.query ?? ''}`, ceph.info.owner),
    everything: async () => {
      const { objects, uploads } = await ceph.contents(bucket);
      return [...objects, ...uploads.map((key) => `upload of ${key}`)];
    },
    clear: () => emptyBucket(ceph, bucket),
    [Symbol.asyncDispose]: () => emptyBucket(ceph, bucket),
  };
}

async function emptyBucket(ceph: Ceph, bucket: string): Promise<void> {
  const client = ceph.client();
  try {
    for (;;) {
      const { Contents: objects = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      const { Uploads: uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: bucket }),
      );
      if (objects.length + uploads.length === 0) return;
      await Promise.all([
        ...objects.map(({ Key }) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }))),
        ...uploads.map(({ Key, UploadId }) =>
          client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })),
        ),
      ]);
    }
  } finally {
    client.destroy();
  }
}
