import type { Readable } from 'node:stream';
import type { BackupLocation } from '../../report/report.ts';
import type { PutRequest, Storage, StoredObject } from '../port/storage.ts';
import type { S3Location } from '../port/storage-url.ts';
import type { S3Bucket } from './s3-bucket.ts';
import type { S3Options } from './s3-options.ts';

/**
 * Backups in a bucket of AWS S3 or of any server that speaks its protocol. The SDK is loaded with the first
 * request: a run that is refused for a bad input does not wait for it.
 */
export function s3Storage(location: S3Location, options: S3Options = {}): Storage {
  return new LazyS3Storage(location, options);
}

class LazyS3Storage implements Storage {
  readonly kind = 's3';
  readonly url: string;
  readonly #open: () => Promise<S3Bucket>;
  #bucket: Promise<S3Bucket> | null = null;

  constructor(location: S3Location, options: S3Options) {
    this.url = `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`;
    this.#open = async () => {
      const { S3Bucket } = await import('./s3-bucket.ts');
      return new S3Bucket(location, options);
    };
  }

  async check(signal: AbortSignal, neededMinutes?: number): Promise<readonly string[]> {
    const [bucket, { checkBucket }] = await Promise.all([this.#loaded(), import('./check-bucket.ts')]);
    return checkBucket(bucket, signal, neededMinutes);
  }

  async put(request: PutRequest): Promise<BackupLocation> {
    try {
      const [bucket, { uploadObject }] = await Promise.all([this.#loaded(), import('./upload-object.ts')]);
      return await uploadObject(bucket, request);
    } finally {
      // A body that was not read to its end must not keep what it reads from open.
      request.body.destroy();
    }
  }

  async get(key: string, signal: AbortSignal): Promise<Readable> {
    return (await this.#loaded()).get(key, signal);
  }

  async list(
    prefix: string,
    signal: AbortSignal,
    onDoubt?: (because: string) => void,
  ): Promise<readonly StoredObject[]> {
    return (await this.#loaded()).list(prefix, signal, onDoubt);
  }

  async abandon(prefix: string, signal: AbortSignal): Promise<void> {
    const [bucket, { abandonUploads }] = await Promise.all([this.#loaded(), import('./abandon-uploads.ts')]);
    await abandonUploads(bucket, prefix, signal);
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    await (await this.#loaded()).remove(key, signal);
  }

  #loaded(): Promise<S3Bucket> {
    this.#bucket ??= this.#open();
    return this.#bucket;
  }
}
