import { setTimeout as sleep } from 'node:timers/promises';
import { CreateMultipartUploadCommand, type CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { untilStopped } from '../port/until-stopped.ts';
import { abortUpload, begunUploads } from './abort-upload.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { isRefusal } from './s3-errors.ts';

/** How long an answer that is on its way is waited for; a cancelled run has 5 s for everything. */
const answerWaitMs = 2_000;

/** Clocks of two machines may differ by this much before S3 refuses signatures (15 min). */
const clockToleranceMs = 15 * 60_000;

/** The multipart uploads that were begun for one object: parts cost money until somebody aborts them. */
export class BegunUploads {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #startedAt = Date.now();
  readonly #ids = new Set<string>();
  readonly #beginnings: Promise<string>[] = [];
  readonly #ending = new AbortController();
  /** Beginnings whose answer has not come, or never came. */
  #unanswered = 0;

  constructor(bucket: S3Bucket, key: string) {
    this.#bucket = bucket;
    this.#key = key;
  }

  /** Begins one and returns its id. */
  async begin(input: CreateMultipartUploadCommandInput, signal: AbortSignal): Promise<string> {
    const beginning = this.#begin(input);
    this.#beginnings.push(beginning);
    return untilStopped(signal, beginning);
  }

  /** Whether the server may have begun more than are known by their id. */
  get mayBeMore(): boolean {
    return this.#unanswered > 0;
  }

  /** Aborts all of them, but for those that are objects by now. Rejects when the server cannot tell that they are gone. */
  async abort(signal: AbortSignal): Promise<void> {
    // An answer on its way names what could come into being after it was looked for.
    const answered = Promise.allSettled(this.#beginnings);
    await Promise.race([answered, sleep(answerWaitMs, undefined, { ref: false })]);
    this.#ending.abort();
    // The server may have begun one whose id nobody was told.
    if (this.mayBeMore) for (const id of await this.#listed(signal)) this.#ids.add(id);
    const key = this.#bucket.fullKey(this.#key);
    for (const id of this.#ids) await abortUpload(this.#bucket, key, id, signal);
  }

  /** Not ended with the run: it is over soon, and an upload without an id is hard to find. */
  async #begin(input: CreateMultipartUploadCommandInput): Promise<string> {
    const create = new CreateMultipartUploadCommand(input);
    this.#unanswered += 1;
    try {
      const answer = await this.#bucket.client.send(create, { abortSignal: this.#ending.signal });
      const { UploadId: id, $metadata: metadata } = answer;
      if (id === undefined) throw new Error('the answer to the beginning of an upload has no id');
      // The SDK tried more than once: an earlier attempt may have begun one too, its answer lost.
      if (metadata.attempts === undefined || metadata.attempts <= 1) this.#unanswered -= 1;
      this.#ids.add(id);
      return id;
    } catch (error) {
      if (isRefusal(error)) this.#unanswered -= 1;
      throw error;
    }
  }

  /** Uploads to this key that are as young as this run. Keys hold the run's own backup id: nobody else's are. */
  async #listed(signal: AbortSignal): Promise<readonly string[]> {
    const key = this.#bucket.fullKey(this.#key);
    const oldest = this.#startedAt - clockToleranceMs;
    return (await begunUploads(this.#bucket, key, signal))
      .filter(({ fullKey, begunAt }) => fullKey === key && (begunAt?.getTime() ?? Infinity) >= oldest)
      .map(({ uploadId }) => uploadId);
  }
}
