import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { Problem } from '../../../system/errors.ts';
import { Secret } from '../../../system/secret.ts';
import type { DatabaseAddress } from '../../database.ts';
import { decodePercent, isPrismaProxy, otherProviderOf, poolerProblem } from './url-refusals.ts';

/** Where the tools connect, read out of the URL that Prisma uses. */
export interface ConnectionTarget {
  readonly address: DatabaseAddress;
  /** null when the URL has none (trust, peer, a password file). */
  readonly password: Secret | null;
  /** The URL's `schema`, in which Prisma keeps `_prisma_migrations`; `public` by default. */
  readonly schema: string;
  /** The PG* variables that lead libpq to `database` on this server; holds the password. */
  environment(database: string): Record<string, string>;
  /** The same URL with another database in it. */
  urlOf(database: string): Secret;
}

type ParsedUrl =
  | { readonly target: ConnectionTarget; readonly problems: readonly [] }
  | { readonly target: null; readonly problems: readonly Problem[] };

export interface UrlContext {
  /** Folder that a relative `sslcert` starts from: the project's; Prisma also looks in its `prisma` folder. */
  readonly directory?: string;
  readonly fileExists?: (path: string) => boolean;
}

const defaultPort = 5432;
const defaultConnectTimeoutSeconds = 10;
/** Prisma waits for ever with `connect_timeout=0`; a run that holds a lock must not. */
const longestConnectTimeoutSeconds = 300;

/** Parameters that mean the same to Prisma and to libpq. All others are Prisma's own and libpq rejects them. */
const sharedParameters: Readonly<Record<string, string>> = {
  channel_binding: 'PGCHANNELBINDING',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  options: 'PGOPTIONS',
  gssencmode: 'PGGSSENCMODE',
  krbsrvname: 'PGKRBSRVNAME',
};
const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Where systems keep the certificates they trust; libpq before 16 does not know `sslrootcert=system`. */
const systemCertificates = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * Parses a Prisma PostgreSQL URL. All that is wrong with it is returned at once; no message holds the URL or
 * anything secret. Parameters are read the way Prisma reads them (`+` is a space, an unknown name is ignored).
 */
export function parsePostgresUrl(text: string, context: UrlContext = {}): ParsedUrl {
  const trimmed = text.trim();
  const fatal = unusableUrl(trimmed);
  if (fatal !== null) return { target: null, problems: [fatal] };
  const url = new URL(trimmed);
  const parameters = url.searchParams;
  const problems: Problem[] = [];
  const invalid = (message: string, hint = urlHint): void =>
    void problems.push({ code: 'SM_URL_INVALID', message, hint });
  const decoded = (part: string, name: string): string => {
    const value = decodePercent(part);
    if (value === null || value.includes('\0'))
      invalid(`The ${name} in the database URL is not valid percent-encoded UTF-8.`);
    return value ?? '';
  };

  const user = decoded(url.username, 'user');
  if (user === '') invalid('The database URL names no user.');
  const password = decoded(url.password, 'password');
  const database = decoded(url.pathname.split('/')[1] ?? '', 'database name');
  if (database === '')
    invalid(
      'The database URL names no database.',
      'Put its name after the host: postgresql://user:password@host:5432/database',
    );
  if (Buffer.byteLength(database) > 63)
    invalid('The database name in the URL is longer than the 63 bytes that PostgreSQL keeps.');
  if (
    url.pathname
      .split('/')
      .slice(2)
      .some((part) => part !== '')
  ) {
    invalid(
      'The path of the database URL has more than one part.',
      'A slash in a database name is written %2F.',
    );
  }
  const host =
    parameters.get('host') || decoded(url.hostname.replace(/^\[(.*)\]$/, '$1'), 'host') || 'localhost';
  if (host.includes(','))
    invalid(
      'The database URL names more than one host.',
      'Name the primary server only: the backup and the migration must meet on one server.',
    );
  const port = url.port === '' ? (integerOf(parameters.get('port')) ?? defaultPort) : Number(url.port);
  if (port < 1 || port > 65535) invalid('The port in the database URL is not between 1 and 65535.');
  const pooler = poolerProblem({ host, port, pgbouncer: parameters.get('pgbouncer') });
  if (pooler !== null) problems.push(pooler);

  const tls = tlsEnvironment(parameters, context, problems);
  if (problems.length > 0) return { target: null, problems };

  const address: DatabaseAddress = { database, host, port, user };
  const shared: Record<string, string> = { PGHOST: host, PGPORT: String(port), PGUSER: user, ...tls };
  for (const [name, variable] of Object.entries(sharedParameters)) {
    const value = parameters.get(name);
    if (value !== null && value !== '') shared[variable] = value;
  }
  shared.PGCONNECT_TIMEOUT = String(connectTimeoutSeconds(parameters));
  const secret = password === '' ? null : new Secret(password);
  return {
    target: {
      address,
      password: secret,
      schema: parameters.get('schema') || 'public',
      environment: (name) => ({
        ...shared,
        PGDATABASE: name,
        ...(secret === null ? {} : { PGPASSWORD: secret.reveal() }),
      }),
      urlOf: (name) => {
        const other = new URL(trimmed);
        other.pathname = `/${encodeURIComponent(name)}`;
        return new Secret(other.href);
      },
    },
    problems: [],
  };
}

const urlHint =
  'Expected postgresql://user:password@host:5432/database?schema=public; characters such as @ : / ? # % in user or password are percent-encoded (@ is %40).';

/** What makes a URL unreadable or somebody else's, so that nothing more can be said about its parts. */
function unusableUrl(text: string): Problem | null {
  if (isPrismaProxy(text)) {
    return {
      code: 'SM_URL_PRISMA_PROXY',
      message:
        'The database URL leads to Prisma Accelerate or Prisma Postgres (prisma:// or prisma+postgres://), which cannot be dumped through.',
      hint: 'Give the direct TCP URL of the database (postgresql://user:password@host:5432/database) as database-url and to Prisma Migrate; for Prisma Postgres the console shows it as "direct connection".',
    };
  }
  const provider = otherProviderOf(text);
  if (provider !== null) {
    return {
      code: 'SM_PROVIDER',
      message: `The database URL is one of ${provider}; safe-migrate works with PostgreSQL.`,
      hint: 'Remove the action for this database, or point database-url at the PostgreSQL database that Prisma migrates.',
    };
  }
  const problem: Problem = {
    code: 'SM_URL_INVALID',
    message: 'The database URL cannot be read.',
    hint: urlHint,
  };
  if (!/^postgres(ql)?:\/\//i.test(text)) {
    return {
      ...problem,
      message:
        'The database URL does not begin with postgresql:// (is the secret empty, or has it quotes around it?).',
    };
  }
  if (!URL.canParse(text)) return problem;
  // An unencoded # in the password ends the URL there; what follows would be lost silently.
  if (new URL(text).hash !== '')
    return { ...problem, message: 'The database URL holds a # that is not percent-encoded.' };
  return null;
}

function connectTimeoutSeconds(parameters: URLSearchParams): number {
  const seconds = integerOf(parameters.get('connect_timeout'));
  if (seconds === null) return defaultConnectTimeoutSeconds;
  return seconds === 0
    ? longestConnectTimeoutSeconds
    : Math.min(Math.max(seconds, 2), longestConnectTimeoutSeconds);
}

function integerOf(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/**
 * Prisma's TLS parameters in libpq's words. Its `sslcert` is the certificate of the authority (libpq's
 * sslrootcert); `sslaccept=strict` checks chain and host name (verify-full).
 */
function tlsEnvironment(
  parameters: URLSearchParams,
  context: UrlContext,
  problems: Problem[],
): Record<string, string> {
  const fileExists = context.fileExists ?? existsSync;
  if ((parameters.get('sslidentity') ?? '') !== '') {
    problems.push({
      code: 'SM_URL_SSLIDENTITY',
      message:
        'The database URL uses sslidentity: a PKCS#12 client certificate, which the tools of PostgreSQL cannot read.',
      hint: 'Use a user that logs in with a password for migrations, or a server that this machine reaches without a client certificate.',
    });
  }
  const mode = parameters.get('sslmode') ?? '';
  if (mode !== '' && !sslModes.includes(mode)) {
    problems.push({
      code: 'SM_URL_INVALID',
      message: 'The sslmode in the database URL is not known.',
      hint: `Use one of ${sslModes.join(', ')}.`,
    });
  }
  const accept = parameters.get('sslaccept') ?? '';
  const environment: Record<string, string> = {};
  if (mode !== '') environment.PGSSLMODE = mode;
  else if (parameters.get('ssl') === 'true') environment.PGSSLMODE = 'require';
  const isStrict = accept === 'strict' && mode !== 'disable';
  if (isStrict) environment.PGSSLMODE = 'verify-full';

  const certificate = parameters.get('sslcert') ?? '';
  const verifies = isStrict || mode.startsWith('verify-');
  // With sslmode=require libpq checks the chain as soon as it has a root certificate: unwanted when the URL
  // says in so many words that any certificate is accepted.
  if (certificate !== '' && (verifies || accept !== 'accept_invalid_certs')) {
    const directory = context.directory ?? process.cwd();
    const candidates = isAbsolute(certificate)
      ? [certificate]
      : [resolve(directory, certificate), resolve(directory, 'prisma', certificate)];
    const found = candidates.find((path) => fileExists(path));
    if (found === undefined) {
      problems.push({
        code: 'SM_URL_CERTIFICATE',
        message: 'The file that the database URL names as sslcert is not there.',
        hint: 'Give an absolute path, or one relative to working-directory or its prisma folder.',
      });
    } else environment.PGSSLROOTCERT = found;
  } else if (verifies) {
    const found = systemCertificates.find((path) => fileExists(path));
    if (found !== undefined) environment.PGSSLROOTCERT = found;
  }
  return environment;
}
