import { messageOf, SafeMigrateError } from '../../system/errors.ts';

/** What was being done; each has the permission of the workflow's token that it needs. */
export type ArtifactAction = 'list' | 'read' | 'write' | 'remove';

const permissionHints: Readonly<Record<ArtifactAction, string>> = {
  list: 'The job needs `actions: read` in its `permissions:`.',
  read: 'The job needs `actions: read` in its `permissions:`.',
  write: 'An organization or enterprise may forbid artifacts; ask whoever keeps its settings.',
  remove: 'The job needs `actions: write` in its `permissions:`; otherwise artifacts end by themselves.',
};

/** An answer with a status that is no success. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  readonly limited: boolean;
  /** What its Retry-After asks for; null where it has none. */
  readonly retryAfterMs: number | null;

  /** @param limited whether it says that too many requests were made */
  constructor(status: number, limited = false, retryAfterMs: number | null = null) {
    super(`HTTP ${status}`);
    this.status = status;
    this.limited = limited;
    this.retryAfterMs = retryAfterMs;
  }
}

const unreachable: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Whether the connection could not be made, or broke. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && unreachable.has(String(error.code));
}

/** Any failure of a request as an error of ours. Errors that are ours already pass unchanged. */
export function artifactError(error: unknown, action: ArtifactAction, url: string): SafeMigrateError {
  if (error instanceof SafeMigrateError) return error;
  const make = (code: `SM_STORAGE_${string}`, message: string, hint: string) =>
    new SafeMigrateError({ code, message, hint, docs: 'storage.md', cause: error });
  const status = error instanceof AnswerError ? error.status : statusIn(messageOf(error));
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';

  if (error instanceof AnswerError && error.limited) {
    return make(
      'SM_STORAGE_FAILED',
      `GitHub answers no more requests for now (HTTP ${status}), so ${url} could not be ${past[action]}`,
      'Run the job again in an hour: the limit of requests counts for the whole repository.',
    );
  }
  if (status === 401) {
    return make(
      'SM_STORAGE_CREDENTIALS',
      `GitHub does not accept the token with which ${url} was to be ${past[action]}`,
      'Leave `github-token` out, so that it is the job’s own, or give one that is still valid.',
    );
  }
  if (status === 403) {
    return make('SM_STORAGE_FORBIDDEN', `the token may not ${action} ${url}`, permissionHints[action]);
  }
  if (status === 404 || status === 410) return artifactNotFound(url);
  if (status === 409) {
    return make(
      'SM_STORAGE_EXISTS',
      `${url} exists already and is never replaced`,
      'Stored backups are write-once. Run the job again: a new run gets a new name.',
    );
  }
  if (error instanceof Error && error.name === 'UsageError') {
    return make(
      'SM_STORAGE_FULL',
      `GitHub takes no more artifacts: the account's storage for them is used up (${url})`,
      'Remove artifacts, lower retention-days, raise the spending limit, or add another storage.',
    );
  }
  if (isUnreachable(error) || (error instanceof Error && error.name === 'NetworkError')) {
    return make(
      'SM_STORAGE_UNREACHABLE',
      `GitHub's artifact service cannot be reached (${code || firstLine(error)}), so ${url} could not be ${past[action]}`,
      'Run the job again; on a runner of your own look at its proxy and firewall.',
    );
  }
  return make(
    'SM_STORAGE_FAILED',
    `${url} could not be ${past[action]}: ${firstLine(error)}`,
    'Run the job again; when it happens again, look at https://www.githubstatus.com.',
  );
}

const past: Readonly<Record<ArtifactAction, string>> = {
  list: 'listed',
  read: 'read',
  write: 'written',
  remove: 'removed',
};

/** @param why what happened to it, when that is known */
export function artifactNotFound(url: string, why = 'does not exist'): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_STORAGE_NOT_FOUND',
    message: `${url} ${why}`,
    hint: 'Look which backups this storage holds. Artifacts end by themselves when their retention is over.',
    docs: 'storage.md',
  });
}

/** The status in a message of the toolkit's client: `Failed request: (409) Conflict: …`. */
function statusIn(message: string): number | null {
  const found = /Failed request: \((\d{3})\)/.exec(message)?.[1];
  return found === undefined ? null : Number(found);
}

/** What an error says, without what stands behind a URL's `?` or path: a signature opens the artifact. */
function firstLine(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line.replaceAll(/(https?:\/\/[^\s/?]+)\S*/g, '$1').replaceAll(/\/\S*\?\S*/g, '(path)');
}
