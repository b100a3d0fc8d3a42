import { randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { DatabaseAddress } from '../../database.ts';
import type { ToolProcess, Tools } from '../server/server.ts';
import { connectionError, connectionLost, SqlError } from './sql-errors.ts';

/** How long an ending psql may take before it is killed. */
const closeTimeoutMs = 5000;
/** How long a psql whose statement was cancelled may take before it is killed. */
const cancelTimeoutMs = 2000;
/** psql waits at most PGCONNECT_TIMEOUT for each address of the host; this ends whatever does not. */
const openTimeoutMs = 120_000;

interface PendingRequest {
  readonly lines: string[];
  /** null while rows arrive; then SQLSTATE and the message's lines. */
  failure: { readonly sqlState: string; readonly isError: boolean; readonly message: string[] } | null;
  readonly resolve: (lines: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A conversation with one psql over its stdin and stdout. Each request is answered by its rows, a line
 * `<token> <error> <sqlstate>`, the message of the last error, and `<token> end`. The token is random,
 * so that no value in a row can be taken for it.
 */
export class PsqlChannel {
  readonly database: string;
  /** Settles (never rejects) when psql has ended. */
  readonly ended: Promise<void>;
  readonly #process: ToolProcess;
  readonly #stdin: Writable;
  readonly #address: DatabaseAddress;
  readonly #serverName: string | null;
  readonly #token = `sm_${randomBytes(16).toString('hex')}`;
  readonly #decoder = new StringDecoder('utf8');
  #unfinishedLine: string[] = [];
  #current: PendingRequest | null = null;
  /** The tail of the queue of requests; never rejects. */
  #queue: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  #isClosing = false;
  /** Why no request can be answered any more. */
  #gone: Error | null = null;

  static start(
    tools: Pick<Tools, 'start' | 'serverName'>,
    address: DatabaseAddress,
    database: string,
    env: Readonly<Record<string, string>>,
  ): PsqlChannel {
    const process = tools.start('psql', ['-X', '-q', '-A', '-t'], {
      database,
      stdin: 'pipe',
      // Only here: pg_dump would write its archive in this encoding instead of the database's.
      env: { PGCLIENTENCODING: 'UTF8', ...env },
    });
    if (process.stdin === null) throw new TypeError('psql without stdin');
    return new PsqlChannel(process, process.stdin, address, database, tools.serverName);
  }

  private constructor(
    process: ToolProcess,
    stdin: Writable,
    address: DatabaseAddress,
    database: string,
    serverName: string | null,
  ) {
    this.#serverName = serverName;
    this.database = database;
    this.#process = process;
    this.#stdin = stdin;
    this.#address = address;
    process.stdout.on('data', (chunk: Buffer) => this.#read(this.#decoder.write(chunk)));
    // SQLSTATE is all that stderr may say: details and contexts hold values of rows.
    stdin.write('\\set VERBOSITY sqlstate\n\\set SHOW_CONTEXT never\n');
    const openTimer = setTimeout(() => {
      if (!this.#isOpen) this.kill();
    }, openTimeoutMs);
    this.ended = process.exited
      .then(
        ({ stderr }) => this.#end(this.#endedBecause(stderr)),
        (error: unknown) => this.#end(error instanceof Error ? error : new Error(String(error))),
      )
      .finally(() => clearTimeout(openTimer));
  }

  /**
   * Sends statements (from splitStatements) as one query and returns the lines of the rows. Several statements are
   * one message of the simple protocol: the server stops at the first error and, unless they hold transaction
   * control, they happen together or not at all.
   */
  run(statements: readonly string[]): Promise<readonly string[]> {
    if (statements.length === 0) return Promise.resolve([]);
    const answer = this.#queue.then(() => this.#send(statements));
    this.#queue = answer.catch(() => {});
    return answer;
  }

  /** Whether an answer is awaited. */
  get isBusy(): boolean {
    return this.#current !== null;
  }

  /** Cancels what is running and ends psql. */
  kill(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    // psql passes SIGINT on as a cancel request and, when its input is no terminal, ends itself.
    this.#process.kill('SIGINT');
    this.#stdin.end();
    this.#killAfter(cancelTimeoutMs);
  }

  /** Ends psql as soon as it is idle, or at once when a statement is still running. */
  async close(): Promise<void> {
    if (this.#current !== null) this.kill();
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#stdin.end();
      this.#killAfter(closeTimeoutMs);
    }
    await this.ended;
  }

  #killAfter(timeoutMs: number): void {
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), timeoutMs);
    void this.ended.finally(() => clearTimeout(timer));
  }

  #send(statements: readonly string[]): Promise<readonly string[]> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    if (this.#isClosing) return Promise.reject(connectionLost(this.database, null));
    return new Promise((resolve, reject) => {
      this.#current = { lines: [], failure: null, resolve, reject };
      const token = this.#token;
      // Each part on lines of its own: a piece may end in a `--` comment. `\g` sends whatever has been read, while
      // psql would hold a `;` back inside of parentheses or of a function's BEGIN and wait for more, for ever.
      this.#stdin.write(
        `${statements.join('\n\\;\n')}\n\\g\n\\echo ${token} :ERROR :SQLSTATE\n\\echo :LAST_ERROR_MESSAGE\n\\echo ${token} end\n`,
      );
    });
  }

  #read(text: string): void {
    const [first, ...others] = text.split('\n');
    this.#unfinishedLine.push(first ?? '');
    for (const next of others) {
      const line = this.#unfinishedLine.join('');
      this.#unfinishedLine = [next];
      this.#readLine(line);
    }
  }

  #readLine(line: string): void {
    const request = this.#current;
    if (request === null) return;
    if (request.failure === null) {
      if (!line.startsWith(this.#token)) {
        if (line !== '') request.lines.push(line);
        return;
      }
      const [, isError, sqlState] = line.split(' ');
      request.failure = { isError: isError === 'true', sqlState: sqlState ?? 'XX000', message: [] };
      return;
    }
    if (line !== `${this.#token} end`) {
      request.failure.message.push(line);
      return;
    }
    this.#isOpen = true;
    this.#current = null;
    const { isError, sqlState, message } = request.failure;
    if (isError)
      request.reject(new SqlError({ sqlState, message: message.join('\n').trim(), database: this.database }));
    else request.resolve(request.lines);
  }

  #endedBecause(stderr: string): Error {
    if (!this.#isOpen) {
      const said = this.#isClosing && stderr === '' ? 'timeout expired' : stderr;
      return connectionError(this.#address, this.database, said, this.#serverName);
    }
    const sqlState = /FATAL:\s+([0-9A-Z]{5})\b/.exec(stderr)?.[1] ?? null;
    return connectionLost(this.database, sqlState);
  }

  #end(error: Error): void {
    this.#gone = error;
    const request = this.#current;
    this.#current = null;
    request?.reject(error);
  }
}
