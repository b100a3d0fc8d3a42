import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { messageOf, SafeMigrateError } from '../../system/errors.ts';
import type { ContentGate } from '../port/content-gate.ts';
import { untilStopped } from '../port/until-stopped.ts';
import type { BegunUploads } from './begun-uploads.ts';
import { crc32Text } from './crc32-text.ts';
import type { PartPlan } from './part-plan.ts';
import type { S3Bucket } from './s3-bucket.ts';

export interface Sending {
  readonly bucket: S3Bucket;
  readonly gate: ContentGate;
  /** For messages. */
  readonly url: string;
  /** Bucket, key, metadata and encryption of the object. */
  readonly target: CreateMultipartUploadCommandInput & { readonly Bucket: string; readonly Key: string };
  readonly plan: PartPlan;
  readonly begun: BegunUploads;
  readonly signal: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
  /** The parts are about to become an object; a rejection keeps them from that. */
  readonly onCompleting: () => Promise<void>;
}

/**
 * Sends a content, as one object when it fits into one part and in parts otherwise, never replacing an object.
 * It is read into a few buffers that are used again and again: memory stays flat however long the stream is.
 * On rejection its requests are ended; parts that arrived are for `begun.abort()`.
 */
export async function sendContent(sending: Sending): Promise<void> {
  const { plan } = sending;
  const parts = new Parts(sending);
  const free: Buffer[] = Array.from({ length: plan.bufferCount }, () =>
    Buffer.allocUnsafeSlow(plan.partSizeBytes),
  );
  let filling: Buffer = free.pop() ?? Buffer.alloc(0);
  let filledBytes = 0;
  try {
    for await (const chunk of contentOf(sending, parts)) {
      for (let at = 0; at < chunk.byteLength; ) {
        // Only what is followed by more is sent as a part: a content that fits is one object.
        if (filledBytes === filling.byteLength) {
          const full = filling;
          parts.send(full, () => free.push(full));
          filling = await nextFree(free, parts);
          filledBytes = 0;
        }
        const copiedBytes = chunk.copy(filling, filledBytes, at);
        filledBytes += copiedBytes;
        at += copiedBytes;
      }
    }
    const last = filling.subarray(0, filledBytes);
    if (parts.count === 0) {
      await putWhole(sending, last);
    } else {
      parts.send(last, () => {});
      await parts.complete();
    }
  } finally {
    await parts.end();
  }
}

/** What comes through the gate. Its failures are told apart from those of the requests, which end it as well. */
async function* contentOf({ gate, url }: Sending, parts: Parts): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of gate as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    parts.throwIfFailed();
    if (error instanceof SafeMigrateError) throw error;
    throw new SafeMigrateError({
      code: 'SM_STORAGE_FAILED',
      message: `${url} was not written, because its content broke off: ${messageOf(error)}`,
      hint: 'Nothing was left in the storage. Look at what failed before this.',
      docs: 'storage.md',
      cause: error,
    });
  }
}

async function nextFree(free: Buffer[], parts: Parts): Promise<Buffer> {
  for (;;) {
    const buffer = free.pop();
    if (buffer !== undefined) return buffer;
    await parts.oneSent();
  }
}

/** For the SDK to compute and the server to verify, for every request. */
function checksumAlgorithm(bucket: S3Bucket): { ChecksumAlgorithm?: 'CRC32' } {
  return bucket.keepsChecksums ? { ChecksumAlgorithm: 'CRC32' } : {};
}

async function putWhole({ bucket, target, signal, onProgress }: Sending, body: Buffer): Promise<void> {
  const put = new PutObjectCommand({ ...target, ...checksumAlgorithm(bucket), Body: body, IfNoneMatch: '*' });
  await untilStopped(signal, bucket.client.send(put, { abortSignal: signal }));
  onProgress(body.byteLength);
}

/** The parts of one multipart upload, several on their way at once. */
class Parts {
  readonly #sending: Sending;
  readonly #underWay = new Set<Promise<void>>();
  readonly #sent: CompletedPart[] = [];
  /** Ends what is under way when one part has failed. */
  readonly #failing = new AbortController();
  readonly #signal: AbortSignal;
  #uploadId: Promise<string> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #sentBytes = 0;
  count = 0;

  constructor(sending: Sending) {
    this.#sending = sending;
    this.#signal = AbortSignal.any([sending.signal, this.#failing.signal]);
  }

  /** Begins to send a part. `onDone` is called when nothing needs its bytes any more. */
  send(bytes: Buffer, onDone: () => void): void {
    this.count += 1;
    const work = this.#sendOne(this.count, bytes)
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#failing.abort();
        // The content may not come on for a long time: do not wait for it to be told.
        this.#sending.gate.destroy(new Error('a part could not be sent'));
      })
      .finally(() => {
        this.#underWay.delete(work);
        onDone();
      });
    this.#underWay.add(work);
  }

  throwIfFailed(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Resolves when at least one part more has arrived. */
  async oneSent(): Promise<void> {
    await Promise.race(this.#underWay);
    this.throwIfFailed();
  }

  /** Waits for all parts and makes them an object. */
  async complete(): Promise<void> {
    const { bucket, target, gate, signal, onCompleting } = this.#sending;
    await Promise.all(this.#underWay);
    this.throwIfFailed();
    if (gate.passed === null) throw new TypeError('an upload is completed before its content is known');
    await onCompleting();
    // The server compares length and checksum of the whole before it makes the object.
    const whole = bucket.keepsChecksums
      ? {
          ChecksumType: 'FULL_OBJECT' as const,
          ChecksumCRC32: crc32Text(gate.passed.crc32),
          MpuObjectSize: gate.passed.sizeBytes,
        }
      : {};
    const complete = new CompleteMultipartUploadCommand({
      Bucket: target.Bucket,
      Key: target.Key,
      UploadId: await this.#begin(),
      MultipartUpload: { Parts: this.#sent.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)) },
      IfNoneMatch: '*',
      ...whole,
    });
    await untilStopped(signal, bucket.client.send(complete, { abortSignal: signal }));
  }

  /** Ends what is still under way; with nothing under way it does nothing. */
  async end(): Promise<void> {
    this.#failing.abort();
    await Promise.all(this.#underWay);
  }

  async #sendOne(partNumber: number, bytes: Buffer): Promise<void> {
    const { bucket, target, onProgress } = this.#sending;
    const upload = new UploadPartCommand({
      Bucket: target.Bucket,
      Key: target.Key,
      UploadId: await this.#begin(),
      PartNumber: partNumber,
      Body: bytes,
      ...checksumAlgorithm(bucket),
    });
    const sent = await untilStopped(this.#signal, bucket.client.send(upload, { abortSignal: this.#signal }));
    if (sent.ETag === undefined) throw new Error(`the answer to part ${partNumber} has no ETag`);
    const checksum = sent.ChecksumCRC32 === undefined ? {} : { ChecksumCRC32: sent.ChecksumCRC32 };
    this.#sent.push({ PartNumber: partNumber, ETag: sent.ETag, ...checksum });
    this.#sentBytes += bytes.byteLength;
    onProgress(this.#sentBytes);
  }

  #begin(): Promise<string> {
    const { bucket, target, begun, signal } = this.#sending;
    const checksum = bucket.keepsChecksums
      ? { ...checksumAlgorithm(bucket), ChecksumType: 'FULL_OBJECT' as const }
      : {};
    this.#uploadId ??= begun.begin({ ...target, ...checksum }, signal);
    return this.#uploadId;
  }
}
