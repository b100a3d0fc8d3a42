import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import type { S3Bucket } from './s3-bucket.ts';
import { isForbidden, isNotFound, isUploadGone } from './s3-errors.ts';

/** Clocks of two machines may differ by this much before S3 refuses signatures (15 min). */
const clockToleranceMs = 15 * 60_000;

/** The multipart uploads that were begun for one object: parts cost money until somebody aborts them. */
export class BegunUploads {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #startedAt = Date.now();
  readonly #ids = new Set<string>();
  #beginning = 0;

  constructor(bucket: S3Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  onBeginning(): void {
    this.#beginning += 1;
  }

  onBegun(uploadId: string): void {
    this.#beginning -= 1;
    this.#ids.add(uploadId);
  }

  /** Aborts all of them. Rejects when the server cannot tell that they are gone. */
  async abort(signal: AbortSignal): Promise<void> {
    // The answer to a beginning was lost: the server may have begun one whose id nobody knows.
    if (this.#beginning > 0) for (const id of await this.#unanswered(signal)) this.#ids.add(id);
    for (const id of this.#ids) await this.#abortOne(id, signal);
  }

  /** A part that was under way may still arrive after an abort (AWS's API reference): abort until none does. */
  async #abortOne(uploadId: string, signal: AbortSignal): Promise<void> {
    const { client, location } = this.#bucket;
    const upload = { Bucket: location.bucket, Key: this.#bucket.fullKey(this.#key), UploadId: uploadId };
    const isGone = async (): Promise<boolean> => {
      try {
        await client.send(new ListPartsCommand({ ...upload, MaxParts: 1 }), { abortSignal: signal });
        return false;
      } catch (error) {
        // Without s3:ListMultipartUploadParts the abort's own word has to do.
        if (isUploadGone(error) || isNotFound(error) || isForbidden(error)) return true;
        throw error;
      }
    };
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      try {
        await client.send(new AbortMultipartUploadCommand(upload), { abortSignal: signal });
      } catch (error) {
        if (isUploadGone(error)) return;
        throw error;
      }
      if (await isGone()) return;
    }
    throw new Error(`the multipart upload ${uploadId} is still there after it was aborted`);
  }

  /** Uploads to this key that are as young as this run. Keys hold the run's own backup id: nobody else's are. */
  async #unanswered(signal: AbortSignal): Promise<readonly string[]> {
    const { client, location } = this.#bucket;
    const key = this.#bucket.fullKey(this.#key);
    const { Uploads: uploads = [] } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: location.bucket, Prefix: key }),
      { abortSignal: signal },
    );
    return uploads
      .filter(
        ({ Key, Initiated }) =>
          Key === key && (Initiated?.getTime() ?? Infinity) >= this.#startedAt - clockToleranceMs,
      )
      .flatMap(({ UploadId }) => UploadId ?? []);
  }
}
