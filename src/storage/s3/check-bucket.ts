import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { untilStopped } from '../port/until-stopped.ts';
import { encryptionParameters } from './encryption-parameters.ts';
import type { S3Bucket } from './s3-bucket.ts';
import type { S3Action } from './s3-errors.ts';

/** What a role session lasts unless more was asked for. */
const usualSessionMinutes = 60;

/**
 * Makes sure that the bucket is there and that it may be listed, read and written with these credentials,
 * leaving nothing behind: an upload that is begun and aborted needs no object. Returns warnings.
 */
export async function checkBucket(
  bucket: S3Bucket,
  signal: AbortSignal,
  neededMinutes = usualSessionMinutes,
): Promise<readonly string[]> {
  const { client, location } = bucket;
  const url = `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`;
  const attempt = async <T>(action: S3Action, work: () => Promise<T>): Promise<T> => {
    try {
      return await untilStopped(signal, work());
    } catch (error) {
      throw await bucket.errorFor(error, action, url, signal);
    }
  };
  const credentials = await attempt('list', () => client.config.credentials());
  const probe = `.safe-migrate-check-${randomUUID()}`;
  const abortSignal = signal;

  await attempt('list', () =>
    client.send(new ListObjectsV2Command({ Bucket: location.bucket, Prefix: location.prefix, MaxKeys: 1 }), {
      abortSignal,
    }),
  );
  // Not there, as it must be; without s3:GetObject the answer is 403.
  await bucket.head(probe, signal);
  const target = { Bucket: location.bucket, Key: bucket.fullKey(probe) };
  const { UploadId } = await attempt('write', () =>
    client.send(
      new CreateMultipartUploadCommand({ ...target, ...encryptionParameters(location.encryption) }),
      { abortSignal },
    ),
  );
  // Begun is begun: this one is ended whatever happens to the run.
  await attempt('clean up an upload in', () =>
    client.send(new AbortMultipartUploadCommand({ ...target, UploadId })),
  );

  return [
    ...credentialWarnings(url, credentials, neededMinutes),
    ...(isPlainHttp(location.endpoint)
      ? [`${url}: ${location.endpoint} is not https, backups travel readable for everybody on the way`]
      : []),
  ];
}

/**
 * Credentials from the environment are never renewed, so those that end before the run is over lose the backup.
 * Exported for the test: AWS tells `expiration` only where a provider knows it.
 */
export function credentialWarnings(
  url: string,
  credentials: { readonly sessionToken?: string | undefined; readonly expiration?: Date | undefined },
  neededMinutes: number,
  now: Date = new Date(),
): readonly string[] {
  const hint = 'Ask for a longer session (role-duration-seconds of aws-actions/configure-aws-credentials).';
  if (credentials.expiration !== undefined) {
    const leftMinutes = Math.floor((credentials.expiration.getTime() - now.getTime()) / 60_000);
    if (leftMinutes >= neededMinutes) return [];
    return [
      `${url}: the credentials end in ${Math.max(0, leftMinutes)} min, this run may need ${neededMinutes} min. ${hint}`,
    ];
  }
  if (credentials.sessionToken === undefined || neededMinutes <= usualSessionMinutes) return [];
  return [
    `${url}: the credentials are those of a session, which lasts ${usualSessionMinutes} min unless more was asked for; this run may need ${neededMinutes} min. ${hint}`,
  ];
}

function isPlainHttp(endpoint: string | null): boolean {
  if (endpoint === null) return false;
  const { protocol, hostname } = new URL(endpoint);
  return protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
