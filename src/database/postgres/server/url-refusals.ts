import type { Problem } from '../../../system/errors.ts';

/** Schemes of the databases that Prisma knows besides PostgreSQL, and how people call them. */
const otherProviders: readonly (readonly [RegExp, string])[] = [
  [/^mysql:/i, 'MySQL'],
  [/^mariadb:/i, 'MariaDB'],
  [/^(sqlserver|mssql|jdbc:sqlserver):/i, 'SQL Server'],
  [/^(file|sqlite|libsql):/i, 'SQLite'],
  [/^mongodb(\+srv)?:/i, 'MongoDB'],
];

/** The name of another database that the URL is for, or null. */
export function otherProviderOf(url: string): string | null {
  return otherProviders.find(([pattern]) => pattern.test(url))?.[1] ?? null;
}

/** Whether the URL leads to one of Prisma's own HTTP proxies. */
export function isPrismaProxy(url: string): boolean {
  return /^prisma(\+postgres(ql)?)?:\/\//i.test(url);
}

/**
 * Recognises transaction poolers: exported snapshots, advisory locks and session settings do not survive in them,
 * and Prisma's own migration lock does not either. Session poolers look like servers and behave like them.
 */
export function poolerProblem(server: {
  readonly host: string;
  readonly port: number;
  readonly pgbouncer: string | null;
}): Problem | null {
  const sign =
    server.pgbouncer === 'true'
      ? 'pgbouncer=true'
      : server.port === 6543
        ? 'port 6543'
        : /-pooler\./i.test(server.host)
          ? 'a -pooler host'
          : null;
  if (sign === null) return null;
  const host = server.host.replace(/-pooler\./i, '.');
  const port = server.port === 6543 ? 5432 : server.port;
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    code: 'SM_URL_POOLER',
    message: `The database URL leads to a transaction pooler (${sign}): snapshots and locks do not hold through it.`,
    hint: `Use the direct URL for migrations, probably postgresql://USER:PASSWORD@${shownHost}:${port}/DATABASE without pgbouncer=true (your platform shows it as "direct connection" or "session mode").`,
  };
}

/**
 * Decodes percent-encoding as Prisma does: what is not a valid `%XX` stays as it is.
 * Returns null when the result is not UTF-8.
 */
export function decodePercent(text: string): string | null {
  const bytes: Buffer[] = [];
  for (const part of text.split(/(%[0-9a-f]{2})/i)) {
    bytes.push(/^%[0-9a-f]{2}$/i.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part));
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
  } catch {
    return null;
  }
}
