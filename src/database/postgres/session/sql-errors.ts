import { SafeMigrateError } from '../../../system/errors.ts';
import type { DatabaseAddress } from '../../database.ts';

/** A statement that the server refused. Holds the primary message only: DETAIL and CONTEXT carry row values. */
export class SqlError extends SafeMigrateError {
  override readonly name = 'SqlError';
  /** Five characters, e.g. `42P01`; see appendix A of PostgreSQL's manual. */
  readonly sqlState: string;
  /** The server's own words, without our introduction. */
  readonly primaryMessage: string;

  constructor(details: { readonly sqlState: string; readonly message: string; readonly database: string }) {
    super({
      code: 'SM_SQL',
      message: `PostgreSQL refused a statement in ${details.database}: ${details.message} (SQLSTATE ${details.sqlState})`,
      hint: hintFor(details.sqlState),
      docs: 'postgresql.md',
    });
    this.sqlState = details.sqlState;
    this.primaryMessage = details.message;
  }
}

function hintFor(sqlState: string): string {
  if (sqlState === '42501') return 'Give the role of the database URL the missing privilege.';
  if (sqlState.startsWith('53'))
    return 'The server is out of disk, memory or connections: make room and run again.';
  if (sqlState.startsWith('57'))
    return 'Somebody cancelled the statement or stopped the server: run again when it is quiet.';
  return "The server's log holds the statement and its details.";
}

/** The session is gone; what it was doing may or may not have happened. */
export function connectionLost(database: string, sqlState: string | null, cause?: unknown): SafeMigrateError {
  const reason = sqlState === null ? '' : ` (SQLSTATE ${sqlState})`;
  return new SafeMigrateError({
    code: 'SM_CONNECTION_LOST',
    message: `The connection to database ${database} was lost${reason}.`,
    hint: 'See whether the server was restarted, the session terminated or the network interrupted, then run again.',
    docs: 'postgresql.md',
    cause,
  });
}

type ConnectionProblem = { readonly code: `SM_${string}`; readonly what: string; readonly hint: string };

/**
 * What libpq and the server say when a connection does not come about (libpq's own texts are English under LC_ALL=C).
 * Looked at in this order: with several addresses of one host, the server that answered matters most.
 */
const connectionProblems: readonly (readonly [RegExp, ConnectionProblem])[] = [
  [
    /database ".*" does not exist/,
    {
      code: 'SM_NO_DATABASE',
      what: 'has no such database',
      hint: 'Check the name in the database URL; safe-migrate never creates the target.',
    },
  ],
  [
    /password authentication failed|no password supplied|authentication failed|role ".*" does not exist|is not permitted to log in|no pg_hba\.conf entry|pg_hba\.conf rejects|SASL authentication|authentication method|permission denied for database/,
    {
      code: 'SM_AUTH',
      what: 'did not let the user in',
      hint: "Check user and password in the database URL (percent-encode special characters) and the server's pg_hba.conf.",
    },
  ],
  [
    /SSL|certificate|\bTLS\b/i,
    {
      code: 'SM_TLS',
      what: 'could not be reached over TLS as the URL asks',
      hint: 'Check sslmode, sslaccept and sslcert in the database URL against what the server offers.',
    },
  ],
  [
    /FATAL/,
    {
      code: 'SM_CONNECTION',
      what: 'refused the connection',
      hint: 'Read the message of the server; when it is starting, stopping or full, run again later.',
    },
  ],
  [
    /Connection refused|could not translate host name|timeout expired|timed out|No such file or directory|unreachable|No route to host|Connection reset|server closed the connection|Network is down|Permission denied/i,
    {
      code: 'SM_UNREACHABLE',
      what: 'cannot be reached',
      hint: 'Check host and port in the database URL, that the server runs, and that this machine may connect to it (firewall, private network, IPv6-only host).',
    },
  ],
];

const otherConnectionProblem: ConnectionProblem = {
  code: 'SM_CONNECTION',
  what: 'could not be connected to',
  hint: 'Check the database URL with psql from the same machine.',
};

/**
 * The error for a psql that ended before its session was open, from what it wrote to stderr. `serverName` is what the
 * server is called when it is not the address of the URL that was connected to.
 */
export function connectionError(
  address: DatabaseAddress,
  database: string,
  stderr: string,
  serverName: string | null = null,
): SafeMigrateError {
  const problem = connectionProblems.find(([pattern]) => pattern.test(stderr))?.[1] ?? otherConnectionProblem;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const said = saidBy(stderr);
  return new SafeMigrateError({
    code: problem.code,
    message: `The PostgreSQL server ${serverName ?? `at ${host}:${address.port}`} ${problem.what} (database ${database}, user ${address.user})${said === '' ? '.' : `: ${said}`}`,
    hint: problem.hint,
    docs: 'postgresql.md',
  });
}

/** The telling line of a connection error: the last FATAL if there is one, else the last line that is no advice. */
function saidBy(stderr: string): string {
  const lines = stderr
    .split('\n')
    .filter(
      (line) =>
        line.trim() !== '' && !/^\s/.test(line) && !/^(DETAIL|HINT|CONTEXT|LINE|STATEMENT):/.test(line),
    )
    .map((line) => line.replace(/^psql: (error: )?/, '').trim());
  const chosen = lines.findLast((line) => line.includes('FATAL')) ?? lines.at(-1) ?? '';
  return chosen
    .replace(/^(connection to server|could not connect to server)[^:]*(?:"[^"]*"[^:]*)*(?:: |$)/, '')
    .replace(/^failed: /, '')
    .replace(/^FATAL: +/, '');
}

/** The session is gone, or the server with it. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof SafeMigrateError && error.code === 'SM_CONNECTION_LOST';
}
