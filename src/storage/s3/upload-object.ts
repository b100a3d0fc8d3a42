import { randomUUID } from 'node:crypto';
import { pipeline } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { BackupLocation } from '../../report/report.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { ContentGate } from '../content-gate.ts';
import { stoppedBy } from '../stopped.ts';
import type { PutRequest } from '../storage.ts';
import { BegunUploads } from './begun-uploads.ts';
import { encryptionParameters } from './encryption-parameters.ts';
import { partPlan } from './part-plan.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { isAws, uploadClient } from './s3-client.ts';
import { isTaken, s3Error } from './s3-errors.ts';
import { uploadMark, verifyObject } from './verify-object.ts';

/** A cancelled run is ended by force after some seconds; another failure leaves time to try again. */
const cleanUpAfterCancelMs = 4_000;
const cleanUpMs = 30_000;

/**
 * Uploads a body, write-once, and verifies what is held. On rejection nothing is left of it: no object, no
 * part; where the server could not even be asked for that, the error says so.
 */
export async function uploadObject(bucket: S3Bucket, request: PutRequest): Promise<BackupLocation> {
  const { key, signal } = request;
  const url = bucket.urlOf(key);
  if (signal.aborted) throw stoppedBy(signal, url);
  // Told at once instead of after the whole upload; If-None-Match decides between two that come here together.
  if ((await bucket.head(key, signal)) !== null) throw taken(url);

  const attempt = new UploadAttempt(bucket, request);
  try {
    const gate = await attempt.send();
    const verified = await verifyObject(bucket, key, gate, signal);
    return { storage: 'url' in bucket ? 's3' : 's3', url, verified };
  } catch (error) {
    throw await attempt.leaveNothing(await bucket.errorFor(error, 'write', url, signal));
  }
}
