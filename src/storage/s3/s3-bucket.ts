import { addAbortSignal, Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { objectKey } from '../port/object-key.ts';
import { stoppedBy } from '../port/stopped.ts';
import type { StoredObject } from '../port/storage.ts';
import type { S3Location } from '../port/storage-url.ts';
import { untilStopped } from '../port/until-stopped.ts';
import { createS3Client, isAws } from './s3-client.ts';
import { isNotFound, type S3Action, s3Error } from './s3-errors.ts';
import type { S3Options } from './s3-options.ts';

/** The bucket and prefix of an `s3://` storage: every request but those of an upload. */
export class S3Bucket {
  readonly location: S3Location;
  readonly client: S3Client;
  /** Whether checksums of whole objects are sent, for the server to verify; others may break on them. */
  readonly keepsChecksums: boolean;

  constructor(location: S3Location, options: S3Options) {
    this.location = location;
    this.client = createS3Client(location, options);
    this.keepsChecksums = options.keepsChecksums ?? isAws(location);
  }

  /** The key as the bucket knows it. Throws SM_STORAGE_KEY. */
  fullKey(key: string): string {
    return objectKey(this.location.prefix, key);
  }

  /** For people; `key` below the prefix. */
  urlOf(key: string): string {
    return `s3://${this.location.bucket}/${this.fullKey(key)}`;
  }

  /** What is known of an object, with its checksum where the server keeps one; null when there is none. */
  async head(key: string, signal: AbortSignal): Promise<HeadObjectCommandOutput | null> {
    try {
      const command = new HeadObjectCommand({
        Bucket: this.location.bucket,
        Key: this.fullKey(key),
        ChecksumMode: 'ENABLED',
      });
      return await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
    } catch (error) {
      if (isNotFound(error)) return null;
      throw await this.errorFor(error, 'read', this.urlOf(key), signal);
    }
  }

  async get(key: string, signal: AbortSignal): Promise<Readable> {
    const url = this.urlOf(key);
    try {
      const command = new GetObjectCommand({ Bucket: this.location.bucket, Key: this.fullKey(key) });
      const { Body: body } = await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
      if (!(body instanceof Readable)) throw new TypeError('the answer has no body');
      return addAbortSignal(
        signal,
        Readable.from(this.#translated(body, url, signal), { objectMode: false }),
      );
    } catch (error) {
      throw await this.errorFor(error, 'read', url, signal);
    }
  }

  async list(
    prefix: string,
    signal: AbortSignal,
    onDoubt: (because: string) => void = () => {},
  ): Promise<readonly StoredObject[]> {
    const root = this.location.prefix === '' ? '' : `${this.location.prefix}/`;
    const found: StoredObject[] = [];
    let token: string | undefined;
    const seen = new Set<string>();
    try {
      do {
        const command = new ListObjectsV2Command({
          Bucket: this.location.bucket,
          Prefix: `${root}${prefix}`,
          // XML cannot hold every character that a key can.
          EncodingType: 'url',
          ...(token === undefined ? {} : { ContinuationToken: token }),
        });
        const page = await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
        for (const { Key: given = '', Size: sizeBytes = 0, LastModified: modifiedAt } of page.Contents ??
          []) {
          const key = page.EncodingType === 'url' ? decodeURIComponent(given.replaceAll('+', '%20')) : given;
          found.push({
            key: key.slice(root.length),
            sizeBytes,
            modifiedAt: (modifiedAt ?? new Date(0)).toISOString(),
          });
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
        // Pages go by key, so what comes and goes meanwhile shifts none of them. A server that does not know how to go on does.
        if (page.IsTruncated === true && (token === undefined || seen.has(token))) {
          onDoubt('the server says that there is more and does not give it');
          token = undefined;
        }
        if (token !== undefined) seen.add(token);
      } while (token !== undefined);
    } catch (error) {
      throw await this.errorFor(error, 'list', `s3://${this.location.bucket}/${root}${prefix}`, signal);
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /**
   * @param versionId one version for good, in a bucket that keeps versions; otherwise the newest is hidden
   */
  async remove(key: string, signal: AbortSignal, versionId?: string): Promise<void> {
    try {
      const command = new DeleteObjectCommand({
        Bucket: this.location.bucket,
        Key: this.fullKey(key),
        ...(versionId === undefined ? {} : { VersionId: versionId }),
      });
      await untilStopped(signal, this.client.send(command, { abortSignal: signal }));
    } catch (error) {
      if (isNotFound(error)) return;
      throw await this.errorFor(error, 'remove', this.urlOf(key), signal);
    }
  }

  /** Any failure of a request as an error of ours. */
  async errorFor(error: unknown, action: S3Action, url: string, signal: AbortSignal) {
    if (signal.aborted) return stoppedBy(signal, url);
    const region = await this.client.config.region().catch(() => null);
    return s3Error(error, { action, url, location: this.location, region });
  }

  /** A body that breaks off half-way tells so in our words. */
  async *#translated(body: Readable, url: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) yield chunk;
    } catch (error) {
      throw await this.errorFor(error, 'read', url, signal);
    }
  }
}
