import { SafeMigrateError } from '../../system/errors.ts';
import type { S3Location } from '../port/storage-url.ts';

/** What was being done; each has the permission that it needs. */
export type S3Action = 'list' | 'read' | 'write' | 'clean up an upload in' | 'remove';

const permissions: Readonly<Record<S3Action, string>> = {
  list: 's3:ListBucket',
  read: 's3:GetObject',
  write: 's3:PutObject (with sse=aws:kms also kms:GenerateDataKey and kms:Decrypt on the key)',
  'clean up an upload in': 's3:AbortMultipartUpload and s3:ListBucketMultipartUploads',
  remove: 's3:DeleteObject',
};

const credentialProblems: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'ExpiredTokenException',
  'InvalidToken',
  'InvalidClientTokenId',
  'InvalidIdentityToken',
  'TokenRefreshRequired',
  'RequestTimeTooSkewed',
]);

const unreachable: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'TimeoutError',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** What is safe to tell of an SDK error: its answer may repeat keys, tokens and signed headers, this does not. */
interface Symptom {
  readonly name: string;
  readonly status: number | null;
  readonly requestId: string | null;
}

/** Whether an error says that the object (not the bucket) does not exist. */
export function isNotFound(error: unknown): boolean {
  const { name } = symptomOf(error);
  // A HEAD has no body, so its 404 says only NotFound; check() has told a missing bucket from it before.
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** Whether an upload is refused because the key is taken, or is being taken at this very moment. */
export function isTaken(error: unknown): boolean {
  const { name, status } = symptomOf(error);
  return status === 412 || name === 'PreconditionFailed' || name === 'ConditionalRequestConflict';
}

/** Whether a multipart upload is gone already. */
export function isUploadGone(error: unknown): boolean {
  return symptomOf(error).name === 'NoSuchUpload';
}

/** Whether the server understood a request and did nothing of it. */
export function isRefusal(error: unknown): boolean {
  const { status } = symptomOf(error);
  return status !== null && status >= 400 && status < 500;
}

/** Whether the server refuses for want of a permission. */
export function isForbidden(error: unknown): boolean {
  return symptomOf(error).status === 403;
}

/** Any failure of a request as an error of ours. Errors that are ours already pass unchanged. */
export function s3Error(
  error: unknown,
  context: {
    readonly action: S3Action;
    readonly url: string;
    readonly location: S3Location;
    /** The region that was asked; null when there is none. */
    readonly region: string | null;
  },
): SafeMigrateError {
  if (error instanceof SafeMigrateError) return error;
  const { action, url, location, region } = context;
  const symptom = symptomOf(error);
  const { name, status } = symptom;
  const told = status === null ? name : `${name}, HTTP ${status}`;
  const at = location.endpoint ?? `AWS${region === null ? '' : ` in ${region}`}`;
  const make = (code: `SM_STORAGE_${string}`, message: string, hint: string) =>
    new SafeMigrateError({ code, message, hint, docs: 'storage.md', cause: new S3RequestError(symptom) });

  if (name === 'NoSuchBucket') {
    return make(
      'SM_STORAGE_MISSING',
      `the bucket ${location.bucket} does not exist at ${at}`,
      'Create it, or correct the name, region= or endpoint= of the storage URL.',
    );
  }
  if (status === 301 || name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed') {
    return make(
      'SM_STORAGE_REGION',
      `the bucket ${location.bucket} is not in the region ${region ?? 'that was asked'} (${told})`,
      'Give the region where the bucket is: region= in the storage URL.',
    );
  }
  if (error instanceof Error && /region is missing/i.test(error.message)) {
    return make(
      'SM_STORAGE_REGION',
      `no region is known for ${url}`,
      'Add region= to the storage URL, or set AWS_REGION.',
    );
  }
  if (credentialProblems.has(name)) {
    return make(
      'SM_STORAGE_CREDENTIALS',
      name === 'CredentialsProviderError'
        ? `no credentials were found for ${url}`
        : `${at} does not accept the credentials for ${url} (${told})`,
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from secrets, or run aws-actions/configure-aws-credentials before this step.',
    );
  }
  if (name.startsWith('KMS.') || name === 'KMSAccessDeniedException') {
    return make(
      'SM_STORAGE_ENCRYPTION',
      `the key of sse= for ${url} cannot be used (${told})`,
      'Give a KMS key of the same region that these credentials may use (kms:GenerateDataKey, kms:Decrypt).',
    );
  }
  if (status === 403) {
    return make(
      'SM_STORAGE_FORBIDDEN',
      `not allowed to ${action} ${url} (${told})`,
      `The credentials need ${permissions[action]} there.`,
    );
  }
  if (name === 'NoSuchKey' || status === 404) {
    return make('SM_STORAGE_NOT_FOUND', `${url} does not exist`, 'Look which backups this storage holds.');
  }
  if (unreachable.has(name)) {
    return make(
      'SM_STORAGE_UNREACHABLE',
      `${at} cannot be reached (${name}) to ${action} ${url}`,
      'Look at endpoint=, its certificate, and whether this machine may connect there.',
    );
  }
  return make(
    'SM_STORAGE_FAILED',
    `${at} failed to ${action} ${url} (${told})`,
    'Run the job again; when it happens again, the server of the storage needs attention.',
  );
}

class S3RequestError extends Error {
  override readonly name = 'S3RequestError';

  constructor({ name, status, requestId }: Symptom) {
    super([name, status && `HTTP ${status}`, requestId && `request ${requestId}`].filter(Boolean).join(', '));
  }
}

function symptomOf(error: unknown): Symptom {
  if (!(error instanceof Error)) return { name: 'unknown', status: null, requestId: null };
  const metadata = '$metadata' in error && typeof error.$metadata === 'object' ? error.$metadata : null;
  const status = metadata !== null && 'httpStatusCode' in metadata ? metadata.httpStatusCode : null;
  const requestId = metadata !== null && 'requestId' in metadata ? metadata.requestId : null;
  const systemCode = 'code' in error && typeof error.code === 'string' ? error.code : null;
  // A connection refused on several addresses at once comes as an AggregateError with the code of the first.
  const name = systemCode !== null && unreachable.has(systemCode) ? systemCode : error.name;
  return {
    name: /^[\w.]{1,80}$/.test(name) ? name : 'unknown',
    status: typeof status === 'number' ? status : null,
    requestId: typeof requestId === 'string' && /^[\w./+=-]{1,120}$/.test(requestId) ? requestId : null,
  };
}
