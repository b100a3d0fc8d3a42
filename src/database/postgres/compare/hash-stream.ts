import { PassThrough } from 'node:stream';
import { SafeMigrateError } from '../../../system/errors.ts';
import { beginReading, type ExportedSnapshot } from '../fingerprint/snapshot-readers.ts';
import type { PostgresServer, ToolExit, ToolProcess } from '../server/server.ts';
import { describeToolFailure } from '../server/tool-failure.ts';
import { readingSession } from '../session/reading-sessions.ts';
import { sessionSettings } from '../session/session-settings.ts';

/** One line: a hash, and what belongs to it. Decimal text. */
export interface HashLine {
  readonly key: string;
  readonly value: string;
}

/**
 * Lines of a query that may have any number of them, as they come. A session hands over an answer as a whole, and
 * psql collects it first; COPY is what psql passes on at once. Disposing ends the psql.
 */
export class HashStream implements AsyncDisposable {
  readonly #process: ToolProcess;
  /** Handled from the start: it settles while nobody may be waiting. */
  readonly #exit: Promise<ToolExit | Error>;
  readonly #chunks: AsyncIterator<Buffer>;
  #unfinished = '';

  /** `sql` selects two numbers a row; it is read in the snapshot. */
  constructor(server: PostgresServer, source: ExportedSnapshot, sql: string) {
    this.#process = server.tools.start(
      'psql',
      ['-X', '-q', '-A', '-t', '--set=ON_ERROR_STOP=1', '--file=-'],
      {
        database: source.database,
        stdin: 'pipe',
        env: { PGCLIENTENCODING: 'UTF8', PGAPPNAME: readingSession.compare },
      },
    );
    this.#exit = this.#process.exited.catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    );
    // Taken at once: what nobody reads yet when a process ends, node throws away.
    this.#chunks = this.#process.stdout.pipe(new PassThrough())[Symbol.asyncIterator]();
    if (this.#process.stdin === null) throw new TypeError('psql was started without stdin');
    this.#process.stdin.end(
      [
        // What the settings print is no line of ours.
        '\\o /dev/null',
        ...sessionSettings().map((statement) => `${statement};`),
        '\\o',
        `${beginReading};`,
        `SET TRANSACTION SNAPSHOT '${source.snapshotId}';`,
        `COPY (${sql}) TO STDOUT;`,
        '',
      ].join('\n'),
    );
  }

  /** Up to the end of what has arrived; empty when there is no more. Rejects when the query failed. */
  async nextLines(): Promise<readonly HashLine[]> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) {
        await this.#assertComplete();
        return [];
      }
      const [first, ...more] = value.toString('latin1').split('\n');
      const lines = [this.#unfinished + (first ?? ''), ...more];
      this.#unfinished = lines.pop() ?? '';
      if (lines.length > 0) return lines.map(parseLine);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    this.#process.stdout.destroy();
    await this.#exit;
  }

  async #assertComplete(): Promise<void> {
    const exit = await this.#exit;
    if (exit instanceof Error) throw exit;
    if (exit.exitCode === 0 && this.#unfinished === '') return;
    throw new SafeMigrateError({
      code: 'SM_READ_FAILED',
      message: `rows could not be compared: ${describeToolFailure('psql', exit).message}`,
      hint: 'The role of database-url must be able to read every row of every table (row-level security included).',
      docs: 'postgresql.md',
    });
  }
}

function parseLine(line: string): HashLine {
  const tab = line.indexOf('\t');
  return { key: line.slice(0, tab), value: line.slice(tab + 1) };
}
