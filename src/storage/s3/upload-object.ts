import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream';
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import type { BackupLocation } from '../../report/report.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { ContentGate, type PassedContent } from '../port/content-gate.ts';
import { LeftBehindError } from '../port/left-behind.ts';
import { stoppedBy } from '../port/stopped.ts';
import type { PutRequest } from '../port/storage.ts';
import { BegunUploads } from './begun-uploads.ts';
import { encryptionParameters } from './encryption-parameters.ts';
import { partPlan } from './part-plan.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { isTaken } from './s3-errors.ts';
import { type Sending, sendContent } from './send-content.ts';
import { verifyObject } from './verify-object.ts';

/** Metadata by which an upload knows its own object again, whatever the answer to it was. */
const uploadMark = 'safe-migrate-upload';

/** A cancelled run is ended by force after some seconds; any other failure leaves time to try again. */
const cleanUpAfterCancelMs = 4_000;
const cleanUpMs = 30_000;

/** One upload: what the server may have of it. */
interface Attempt {
  readonly bucket: S3Bucket;
  readonly request: PutRequest;
  readonly url: string;
  /** Stands in the object's metadata, so that its sender knows it again when the answer was lost. */
  readonly mark: string;
  readonly begun: BegunUploads;
  readonly gate: ContentGate;
}

/**
 * Uploads a body, write-once, and verifies what is held. On rejection nothing is left of it, no object and no
 * part; where the server cannot be asked for that any more, the error says so.
 */
export async function uploadObject(bucket: S3Bucket, request: PutRequest): Promise<BackupLocation> {
  const { key, signal, expected, estimatedBytes } = request;
  const url = bucket.urlOf(key);
  if (signal.aborted) throw stoppedBy(signal, url);
  // Told at once instead of after a long upload; If-None-Match decides between two that are here together.
  if ((await bucket.head(key, signal)) !== null) throw taken(url);

  const { maximumBytes } = partPlan(estimatedBytes);
  const begun = new BegunUploads(bucket, key);
  const attempt: Attempt = {
    bucket,
    request,
    url,
    mark: randomUUID(),
    begun,
    gate: new ContentGate({ expected, maximumBytes, url }),
  };
  try {
    const sent = await send(attempt);
    const held = await bucket.head(key, signal);
    if (isOfAnother(held, attempt)) throw taken(url);
    const verified = await verifyObject(bucket, key, held, sent, signal);
    return { storage: 's3', url, verified: `${verified}${await removeStrays(begun)}` };
  } catch (error) {
    throw await leaveNothing(attempt, await bucket.errorFor(error, 'write', url, signal));
  }
}

/** Ends uploads that were begun by attempts whose answer was lost. The object is good whether that works or not. */
async function removeStrays(begun: BegunUploads): Promise<string> {
  if (!begun.mayBeMore) return '';
  try {
    await begun.abort(AbortSignal.timeout(cleanUpMs));
    return '';
  } catch {
    return '; parts of an earlier attempt may be left, for a lifecycle rule of the bucket to abort';
  }
}

/** Sends the content and returns what was sent, once the server has taken the whole of it. */
async function send(attempt: Attempt): Promise<PassedContent> {
  const { bucket, request, url, gate, begun } = attempt;
  const { location } = bucket;
  const plan = partPlan(request.estimatedBytes);
  const work: Sending = {
    bucket,
    gate,
    url,
    plan,
    begun,
    signal: request.signal,
    target: {
      Bucket: location.bucket,
      Key: bucket.fullKey(request.key),
      ContentType: 'application/octet-stream',
      Metadata: { [uploadMark]: attempt.mark },
      ...encryptionParameters(location.encryption),
    },
    onProgress: (sentBytes) => request.onProgress?.(sentBytes),
    // Some servers heed If-None-Match on Put and not on Complete (radosgw 16.2): look once more, at the last moment.
    onCompleting: async () => {
      if ((await bucket.head(request.key, request.signal)) !== null) throw taken(url);
    },
  };
  const stop = (): void => {
    gate.destroy(stoppedBy(request.signal, url));
  };
  request.signal.addEventListener('abort', stop, { once: true });
  // Failures of the body are the gate's.
  pipeline(request.body, gate, () => {});
  try {
    await sendContent(work);
  } catch (error) {
    // The content went out whole and only the answer is bad or lost: it may be there all the same.
    if (gate.passed === null || !(await isStored(attempt))) {
      throw isTaken(error) ? taken(url) : error;
    }
  } finally {
    request.signal.removeEventListener('abort', stop);
    gate.destroy();
  }
  if (gate.passed === null) throw new Error('the upload ended before its content');
  return gate.passed;
}

/** Whether somebody else's object took the key after all, on a server that let it. */
function isOfAnother(held: HeadObjectCommandOutput | null, { mark }: Attempt): boolean {
  const found = held?.Metadata?.[uploadMark];
  return found !== undefined && found !== mark;
}

/** Whether the object is there and is the one that this attempt sent; afterwards it cannot come any more. */
async function isStored({ bucket, request, begun, mark }: Attempt): Promise<boolean> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(cleanUpMs)]);
  await begun.abort(signal);
  const held = await bucket.head(request.key, signal);
  return held?.Metadata?.[uploadMark] === mark;
}

/** Removes what the server has of a failed attempt, and returns the failure, with what could not be removed. */
async function leaveNothing(attempt: Attempt, failure: SafeMigrateError): Promise<SafeMigrateError> {
  const { bucket, request, begun, gate, mark, url } = attempt;
  const signal = AbortSignal.timeout(request.signal.aborted ? cleanUpAfterCancelMs : cleanUpMs);
  try {
    await begun.abort(signal);
    if (gate.passed === null) return failure;
    const held = await bucket.head(request.key, signal);
    if (held?.Metadata?.[uploadMark] === mark) await bucket.remove(request.key, signal, held.VersionId);
    return failure;
  } catch (error) {
    const left = await bucket.errorFor(error, 'clean up an upload in', url, signal);
    return new LeftBehindError({
      code: failure.code,
      message: `${failure.message}; parts or the object itself may be left there: ${left.message}`,
      hint: `${failure.hint} Let a lifecycle rule of the bucket abort incomplete uploads.`,
      docs: failure.docs,
      cause: new AggregateError([failure, left], 'the upload failed, and so did cleaning up after it'),
    });
  }
}

function taken(url: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_STORAGE_EXISTS',
    message: `${url} exists already and is never replaced`,
    hint: 'Stored backups are write-once. Run the job again: a new run gets a new name.',
    docs: 'storage.md',
  });
}
