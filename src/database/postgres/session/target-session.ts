import type { PostgresServer, SqlSession } from '../server/server.ts';
import { refuseOtherSpelling } from './name-spelling.ts';
import { isConnectionLost } from './sql-errors.ts';

const lockTimeoutSeconds = 60;

/**
 * The one session in the target that serves all short questions; opened when it is first needed. When it is lost
 * (a restart, an administrator, a hook that clears the database), the question that met the loss fails, and the next
 * one gets a new session: what was asked may have happened, so nothing is asked twice.
 */
export class TargetSession {
  readonly #server: PostgresServer;
  readonly #database: string;
  #session: Promise<SqlSession> | null = null;
  /** Not used any more; ended with the others, or their psql would keep this process alive. */
  readonly #forgotten: SqlSession[] = [];

  /** `database`: by default the target; another one where that cannot be connected to. */
  constructor(server: PostgresServer, database: string = server.address.database) {
    this.#server = server;
    this.#database = database;
  }

  async use<T>(work: (session: SqlSession) => Promise<T>): Promise<T> {
    this.#session ??= this.#connect();
    const opening = this.#session;
    const forget = (): void => {
      if (this.#session === opening) this.#session = null;
    };
    const session = await opening.catch((error: unknown) => {
      forget();
      throw error;
    });
    try {
      return await work(session);
    } catch (error) {
      if (isConnectionLost(error)) {
        forget();
        // It may be another session of the work's that was lost, and this one sits there and waits.
        this.#forgotten.push(session);
      }
      throw error;
    }
  }

  async #connect(): Promise<SqlSession> {
    const session = await this.#server.connect(this.#database);
    try {
      // A lock that a failed migration left behind (a prepared transaction) must not hold up its recovery for ever.
      await refuseOtherSpelling(session);
      await session.execute(`SET lock_timeout = '${lockTimeoutSeconds}s'`);
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Aborts what is being asked; `use` opens another session. */
  interrupt(): void {
    const opening = this.#session;
    this.#session = null;
    opening?.then(
      (session) => session.kill(),
      // One that never came about was reported to whoever asked for it.
      () => {},
    );
  }

  /** Ends the session; `use` opens another one. */
  async close(): Promise<void> {
    const opening = this.#session;
    this.#session = null;
    // One that never came about was reported to whoever asked for it.
    const session = await opening?.catch(() => null);
    await session?.[Symbol.asyncDispose]();
    for (const forgotten of this.#forgotten.splice(0)) await forgotten[Symbol.asyncDispose]();
  }
}
