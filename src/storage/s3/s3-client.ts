import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Location } from '../storage-url.ts';
import type { S3Options } from './s3-storage.ts';

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

/** What an upload needs to know about the requests made for it. */
export interface UploadWatch {
  readonly signal: AbortSignal;
  /** A multipart upload may have been begun; its answer is not there yet. */
  readonly onBeginning: () => void;
  /** A multipart upload was begun. */
  readonly onBegun: (uploadId: string) => void;
  /** A multipart upload is about to become an object; a rejection keeps it from that. */
  readonly onCompleting: () => Promise<void>;
}

/**
 * A client for one upload, sharing credentials and connections with `client`. lib-storage passes no signal to
 * its requests, so an abort would leave parts under way; here every request ends at once with the signal.
 */
export function uploadClient(client: S3Client, location: S3Location, watch: UploadWatch): S3Client {
  const { config } = client;
  const watched = new S3Client({
    region: config.region,
    credentials: config.credentials,
    maxAttempts: config.maxAttempts,
    requestChecksumCalculation: config.requestChecksumCalculation,
    responseChecksumValidation: config.responseChecksumValidation,
    ...(config.forcePathStyle === undefined ? {} : { forcePathStyle: config.forcePathStyle }),
    ...(location.endpoint === null ? {} : { endpoint: location.endpoint }),
    requestHandler: endedBy(watch.signal, config.requestHandler),
  });
  watched.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'CompleteMultipartUploadCommand') await watch.onCompleting();
      if (context.commandName !== 'CreateMultipartUploadCommand') return next(args);
      watch.onBeginning();
      const result = await next(args);
      if ('UploadId' in result.output && typeof result.output.UploadId === 'string') {
        watch.onBegun(result.output.UploadId);
      }
      return result;
    },
    { step: 'initialize', name: 'safeMigrateUploadWatch' },
  );
  return watched;
}

type RequestHandler = S3Client['config']['requestHandler'];

/** The same handler, with every request ending with the signal. */
function endedBy(signal: AbortSignal, handler: RequestHandler): RequestHandler {
  const handle: RequestHandler['handle'] = (request: unknown, options?: object) =>
    handler.handle(request, { ...options, abortSignal: signal });
  // The connections stay the other client's: they are not to be closed from here.
  return Object.create(handler, {
    handle: { value: handle },
    destroy: { value: () => {} },
  }) as RequestHandler;
}
