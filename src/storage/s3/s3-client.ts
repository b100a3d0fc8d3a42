import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Location } from '../port/storage-url.ts';
import type { S3Options } from './s3-options.ts';

/** An attempt that hears nothing for so long is given up and made again. */
const silenceMs = 60_000;
const connectionTimeoutMs = 10_000;
/** With the SDK's growing pauses these ride out some seconds of 503. */
const attempts = 6;

/** Whether the endpoint is AWS itself: its checksums are known to work, other servers' are not. */
export function isAws(location: S3Location): boolean {
  if (location.endpoint === null) return true;
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(location.endpoint).hostname);
}

/** A client for the location, with the standard chain for credentials and, where none is given, the region. */
export function createS3Client(location: S3Location, options: S3Options): S3Client {
  const custom = location.endpoint === null ? {} : { endpoint: location.endpoint };
  // Servers other than AWS mostly have no DNS name per bucket, and break on checksums that they do not know
  // (R2: aws-sdk-js-v3 #6810).
  const careful: S3ClientConfig = isAws(location)
    ? {}
    : {
        forcePathStyle: true,
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED',
      };
  // What such a server calls its region matters to nobody but itself; the environment's word still goes first.
  const environmentRegion = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  const region = location.region ?? (isAws(location) || environmentRegion ? null : 'us-east-1');
  return new S3Client({
    ...custom,
    ...careful,
    ...(region === null ? {} : { region }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
    maxAttempts: attempts,
    requestHandler: { connectionTimeout: connectionTimeoutMs, socketTimeout: silenceMs },
  });
}
