import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { DatabaseAddress } from '../../database.ts';
import type { SqlSession, Tools } from '../server/server.ts';
import { PsqlChannel } from './psql-channel.ts';
import { disconnectCheck, sessionSettings } from './session-settings.ts';
import { SqlError } from './sql-errors.ts';
import { splitStatements } from './sql-split.ts';

const defaultApplicationName = 'safe-migrate';
const applicationNameLimitBytes = 63;

const sessionRow = z.object({ pid: z.number().int(), number: z.number().int() });

/** An open session, and the server's `server_version_num`, which is known from its first answer. */
interface OpenedSession {
  readonly session: SqlSession;
  readonly serverVersionNumber: number;
}

/**
 * Opens a session in `database` through a psql of `tools`. Rejects with SM_UNREACHABLE, SM_AUTH, SM_NO_DATABASE,
 * SM_TLS or SM_CONNECTION; a database that is not there is never created.
 */
export async function openSession(
  tools: Pick<Tools, 'start' | 'serverName'>,
  address: DatabaseAddress,
  database: string,
  options: { readonly applicationName?: string } = {},
): Promise<OpenedSession> {
  const channel = PsqlChannel.start(tools, address, database, {
    PGAPPNAME: cutToBytes(options.applicationName ?? defaultApplicationName, applicationNameLimitBytes),
  });
  try {
    for (const statement of sessionSettings()) await channel.run([statement]);
    await channel.run([disconnectCheck]).catch((error: unknown) => {
      if (!(error instanceof SqlError)) throw error;
    });
    const rows = await readRows(
      channel,
      "select pg_catalog.pg_backend_pid() as pid, pg_catalog.current_setting('server_version_num')::int as number",
      sessionRow,
    );
    const [row] = rows;
    if (row === undefined) throw new TypeError('a session without a backend');
    return { session: new PsqlSession(channel, row.pid), serverVersionNumber: row.number };
  } catch (error) {
    channel.kill();
    await channel.ended;
    throw error;
  }
}

class PsqlSession implements SqlSession {
  readonly database: string;
  readonly backendPid: number;
  readonly #channel: PsqlChannel;

  constructor(channel: PsqlChannel, backendPid: number) {
    this.database = channel.database;
    this.backendPid = backendPid;
    this.#channel = channel;
  }

  query<T>(sql: string, row: z.ZodType<T>): Promise<readonly T[]> {
    return readRows(this.#channel, sql, row);
  }

  async execute(sql: string): Promise<void> {
    await this.#channel.run(splitStatements(sql));
  }

  get isBusy(): boolean {
    return this.#channel.isBusy;
  }

  kill(): void {
    this.#channel.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#channel.close();
  }
}

async function readRows<T>(channel: PsqlChannel, sql: string, row: z.ZodType<T>): Promise<readonly T[]> {
  const [statement, ...more] = splitStatements(sql);
  if (statement === undefined || more.length > 0) throw new TypeError('a query is exactly one statement');
  const lines = await channel.run([asJsonRows(statement)]);
  return lines.map((line) => {
    const parsed = row.safeParse(JSON.parse(line));
    if (parsed.success) return parsed.data;
    const places = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'row'}: ${issue.code}`);
    throw new SafeMigrateError({
      code: 'SM_UNEXPECTED_ANSWER',
      message: `PostgreSQL answered a question of safe-migrate in another form than expected (${places.join(', ')}).`,
      hint: 'This is a defect of safe-migrate or an unknown server version: please report it with the log of this job.',
    });
  });
}

/**
 * Wraps a statement so that every row comes as one line of JSON (JSON holds no raw line break).
 * A statement that changes rows must stand in a WITH, which only there may do so.
 */
function asJsonRows(statement: string): string {
  const changesRows = /^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*(insert|update|delete|merge)\b/is.test(statement);
  // The line break ends a trailing `-- comment`, which would otherwise swallow the parenthesis.
  return changesRows
    ? `with q as (${statement}\n) select pg_catalog.to_jsonb(q) from q`
    : `select pg_catalog.to_jsonb(q) from (${statement}\n) q`;
}

function cutToBytes(text: string, limitBytes: number): string {
  let cut = text;
  while (Buffer.byteLength(cut) > limitBytes) cut = cut.slice(0, -1);
  return cut.toWellFormed();
}
