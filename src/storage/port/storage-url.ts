import { type Problem, RefusedError } from '../../system/errors.ts';

/** `AES256`: keys of the service; `aws:kms`: a key of the account, its id null for the account's default one. */
export type ServerSideEncryption =
  | { readonly algorithm: 'AES256' }
  | { readonly algorithm: 'aws:kms'; readonly keyId: string | null };

export interface S3Location {
  readonly kind: 's3';
  readonly bucket: string;
  /** Without slashes at either end; empty when the bucket itself is the place. */
  readonly prefix: string;
  /** null: what the environment or profile says. */
  readonly region: string | null;
  /** Of a server that is not AWS; null for AWS. Without a slash at the end. */
  readonly endpoint: string | null;
  readonly encryption: ServerSideEncryption | null;
}

export interface FileLocation {
  readonly kind: 'file';
  /** Absolute path, without a slash at the end. */
  readonly directory: string;
}

export interface ArtifactLocation {
  readonly kind: 'artifact';
  /** Whether a backup that is not encrypted may go where every reader of the repository can download it. */
  readonly plaintextAllowed: boolean;
}

/** A line of the input `storage`, understood. */
export type StorageUrl = S3Location | FileLocation | ArtifactLocation;

const s3Form = 's3://bucket/prefix?region=eu-central-1';

/**
 * Understands one line of the input `storage`. Throws RefusedError with everything that is wrong with it.
 * A line may hold a password by mistake, so no message repeats more of it than a parameter's name.
 */
export function parseStorageUrl(line: string): StorageUrl {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(line)?.[1]?.toLowerCase();
  if (scheme === 's3') return parseS3(line.slice('s3://'.length));
  if (scheme === 'file') return parseFile(line.slice('file://'.length));
  if (scheme === 'artifact') return parseArtifact(line.slice('artifact://'.length));
  throw new RefusedError([
    problem(
      scheme === undefined
        ? 'a line is no storage URL'
        : `${scheme}:// is no storage that safe-migrate knows`,
      `Allowed: artifact://, ${s3Form} and file:///directory.`,
    ),
  ]);
}

function parseS3(rest: string): S3Location {
  const [beforeQuery = '', query = ''] = splitOnce(rest, '?');
  const [bucket = '', path = ''] = splitOnce(beforeQuery, '/');
  const problems: Problem[] = [];
  if (bucket.includes('@')) {
    problems.push(
      problem(
        's3:// with credentials in the URL is refused',
        'Leave them out: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role (aws-actions/configure-aws-credentials) are read.',
      ),
    );
  } else if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    problems.push(
      problem('s3:// without a bucket, or with a name that no bucket can have', `Write ${s3Form}.`),
    );
  }
  const prefix = path.replace(/^\/+|\/+$/g, '');
  if (
    prefix !== '' &&
    prefix.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')
  ) {
    problems.push(problem('the prefix of s3:// holds an empty, "." or ".." part', `Write ${s3Form}.`));
  }
  const parameters = readParameters('s3', query, ['region', 'endpoint', 'sse'], problems);
  const endpoint = parameters.get('endpoint') ?? null;
  const sse = parameters.get('sse') ?? null;
  const location: S3Location = {
    kind: 's3',
    bucket,
    prefix,
    region: parameters.get('region') ?? null,
    endpoint: endpoint === null ? null : readEndpoint(endpoint, problems),
    encryption: sse === null ? null : readEncryption(sse, problems),
  };
  if (location.region !== null && !/^[a-z0-9-]{1,63}$/.test(location.region)) {
    problems.push(
      problem('region= of s3:// is no region', 'Write it as AWS does, e.g. region=eu-central-1.'),
    );
  }
  if (problems.length > 0) throw new RefusedError(problems);
  return location;
}

function parseArtifact(rest: string): ArtifactLocation {
  const [place = '', query = ''] = splitOnce(rest, '?');
  const problems: Problem[] = [];
  if (place.replaceAll('/', '') !== '') {
    problems.push(
      problem(
        'artifact:// names no place: artifacts belong to the repository that the job runs in',
        'Write artifact:// and nothing behind it.',
      ),
    );
  }
  const plaintext = readParameters('artifact', query, ['plaintext'], problems).get('plaintext');
  if (plaintext !== undefined && plaintext !== 'allow') {
    problems.push(
      problem('plaintext= of artifact:// is unknown', 'Allowed: plaintext=allow, or leave it out.'),
    );
  }
  if (problems.length > 0) throw new RefusedError(problems);
  return { kind: 'artifact', plaintextAllowed: plaintext === 'allow' };
}

function parseFile(rest: string): FileLocation {
  const problems: Problem[] = [];
  if (!rest.startsWith('/')) {
    problems.push(problem('file:// needs an absolute path', 'Write three slashes: file:///var/backups/erp.'));
  }
  if (/[?#]/.test(rest)) {
    problems.push(problem('file:// takes no parameters', 'Write "?" in a path as %3F and "#" as %23.'));
  }
  const directory = decodePath(rest, problems);
  if (directory.includes('\0') || directory.split('/').includes('..')) {
    problems.push(
      problem('the path of file:// holds ".." or a NUL', 'Write the path that is meant, without "..".'),
    );
  }
  if (problems.length > 0) throw new RefusedError(problems);
  return { kind: 'file', directory: directory.replace(/\/+$/, '') || '/' };
}

function decodePath(path: string, problems: Problem[]): string {
  try {
    return decodeURIComponent(path);
  } catch {
    problems.push(problem('the path of file:// is not well percent-encoded', 'Write "%" in a path as %25.'));
    return '';
  }
}

/** Each known parameter once; everything else is a problem. */
function readParameters(
  scheme: string,
  query: string,
  known: readonly string[],
  problems: Problem[],
): Map<string, string> {
  const parameters = new Map<string, string>();
  const hint = `Allowed: ${known.map((name) => `${name}=`).join(', ')}.`;
  // "+" stays a plus: a KMS key or endpoint with a space in it does not exist, a form was never sent.
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    // The name of an unknown parameter may be a secret's, never its value; odd ones are not repeated at all.
    const shown = /^[A-Za-z_-]{1,40}$/.test(name) ? name : '(not shown)';
    if (!known.includes(name)) problems.push(problem(`parameter ${shown} of ${scheme}:// is unknown`, hint));
    else if (parameters.has(name))
      problems.push(problem(`parameter ${name} of ${scheme}:// is given twice`, hint));
    else if (value === '')
      problems.push(
        problem(`parameter ${name} of ${scheme}:// is empty`, `Give it a value or leave it out. ${hint}`),
      );
    else parameters.set(name, value);
  }
  return parameters;
}

function readEndpoint(given: string, problems: Problem[]): string {
  const url = URL.canParse(given) ? new URL(given) : null;
  const plain =
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (!plain) {
    problems.push(
      problem(
        'endpoint= of s3:// is no http(s) URL without credentials and parameters',
        'Write e.g. endpoint=https://s3.example.com.',
      ),
    );
    return '';
  }
  return url.href.replace(/\/+$/, '');
}

function readEncryption(given: string, problems: Problem[]): ServerSideEncryption | null {
  if (given === 'AES256') return { algorithm: 'AES256' };
  if (given === 'aws:kms') return { algorithm: 'aws:kms', keyId: null };
  const keyId = /^aws:kms:([A-Za-z0-9:/_-]+)$/.exec(given)?.[1];
  if (keyId !== undefined) return { algorithm: 'aws:kms', keyId };
  problems.push(
    problem('sse= of s3:// is unknown', 'Allowed: sse=AES256, sse=aws:kms, sse=aws:kms:<key id or ARN>.'),
  );
  return null;
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function problem(message: string, hint: string): Problem {
  return { code: 'SM_INPUT', message, hint };
}
