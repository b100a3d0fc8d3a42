import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** Established sessions break with these when somebody ends them or the server goes down. */
const sessionEnded = /^(57P0[1-5]|08\w{3}|ECONN\w+|EPIPE)$/;
/** Behind by more than this, a client takes up its pace again instead of catching up in a burst. */
const patienceMs = 200;

/**
 * One transaction of the application. `token` is unique among all clients and runs: it goes into the rows, so that
 * afterwards every row can be told apart from every other, whatever its SERIAL key is.
 */
export type Work = (transaction: {
  readonly token: string;
  /** 0-based number of the client. */
  readonly client: number;
  /** 0-based number of the transaction within the client. */
  readonly number: number;
}) => {
  /** Statements, sent as one query between BEGIN and COMMIT. */
  readonly sql: string;
  /** What a person would say it does, for the counts: `insert`, `update`, `delete`. */
  readonly kind: string;
};

/** What one client of the application went through, as it knows itself. */
export interface ClientLedger {
  /** Tokens of transactions whose COMMIT was answered, by kind of work. */
  readonly committed: ReadonlyMap<string, string>;
  /** Tokens of transactions whose COMMIT was sent and never answered: they may be in, they may be not. */
  readonly unknown: ReadonlyMap<string, string>;
  /** Established sessions that broke. */
  readonly brokenSessions: number;
  /** SQLSTATE or errno of every attempt to connect that was refused. */
  readonly refusedConnects: readonly string[];
  /** pg_backend_pid of its sessions, one after the other. */
  readonly backendPids: readonly number[];
  /** Errors of statements in sessions that lived on. */
  readonly failures: readonly string[];
  /** Longest time between two answered commits, milliseconds. */
  readonly longestPauseMs: number;
}

/** An application at work. Disposing lets every client finish its transaction and say goodbye. */
export interface Writers extends AsyncDisposable {
  /** Everything so far; read it after `stop` for a final word. */
  readonly ledgers: readonly ClientLedger[];
  /** Resolves when every client has committed `transactions` more from now on; rejects after `timeoutMs`. */
  untilEachCommitted(transactions: number, timeoutMs?: number): Promise<void>;
  /** As disposing. Returns the ledgers; nothing is written any more. */
  stop(): Promise<readonly ClientLedger[]>;
}

interface MutableLedger extends ClientLedger {
  readonly committed: Map<string, string>;
  readonly unknown: Map<string, string>;
  readonly refusedConnects: string[];
  readonly backendPids: number[];
  readonly failures: string[];
  brokenSessions: number;
  longestPauseMs: number;
}

/**
 * Starts `clients` clients that each run `perSecond` transactions a second and reconnect at once when their session
 * breaks or is refused, as a connection pool does. Resolves when every one of them has committed something.
 */
export async function startWriters(options: {
  readonly url: string;
  readonly work: Work;
  readonly clients?: number;
  readonly perSecond?: number;
}): Promise<Writers> {
  const { url, work, clients = 30, perSecond = 50 } = options;
  const state = { isStopping: false };
  const ledgers = Array.from({ length: clients }, emptyLedger);
  const run = Math.random().toString(36).slice(2, 8);
  const loops = ledgers.map((ledger, client) => {
    const pace = new Pace(1000 / perSecond, client / clients);
    let number = 0;
    const next = () => {
      const token = `w${client}-${number}-${run}`;
      const transaction = { token, ...work({ token, client, number }) };
      number += 1;
      return transaction;
    };
    return runClient({ url, ledger, pace, next, state });
  });
  // A client that fails in a way nobody foresaw is told by `stop`; until then it must not end the test process.
  for (const loop of loops) loop.catch(() => {});

  const stop = async () => {
    state.isStopping = true;
    await Promise.all(loops);
    return ledgers;
  };
  const untilEachCommitted = async (transactions: number, timeoutMs = 150_000) => {
    const goals = ledgers.map((ledger) => ledger.committed.size + transactions);
    const deadline = Date.now() + timeoutMs;
    while (ledgers.some((ledger, client) => ledger.committed.size < (goals[client] ?? 0))) {
      if (Date.now() > deadline) {
        const failures = ledgers.flatMap((ledger) => [...ledger.failures, ...ledger.refusedConnects]);
        throw new Error(`not every client got on within ${timeoutMs} ms: ${failures.slice(-3).join('; ')}`);
      }
      await sleep(10);
    }
  };
  try {
    await untilEachCommitted(1);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ledgers,
    untilEachCommitted,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

function emptyLedger(): MutableLedger {
  return {
    committed: new Map(),
    unknown: new Map(),
    brokenSessions: 0,
    refusedConnects: [],
    backendPids: [],
    failures: [],
    longestPauseMs: 0,
  };
}

/** Clients are spread over the interval, so that they do not march in step. */
class Pace {
  readonly #intervalMs: number;
  #nextAt: number;

  constructor(intervalMs: number, phase: number) {
    this.#intervalMs = intervalMs;
    this.#nextAt = performance.now() + intervalMs * phase;
  }

  async wait(): Promise<void> {
    const now = performance.now();
    if (now > this.#nextAt + patienceMs) this.#nextAt = now;
    if (this.#nextAt > now) await sleep(this.#nextAt - now);
    this.#nextAt += this.#intervalMs;
  }
}

interface Running {
  readonly url: string;
  readonly ledger: MutableLedger;
  readonly pace: Pace;
  readonly next: () => { readonly token: string; readonly sql: string; readonly kind: string };
  readonly state: { readonly isStopping: boolean };
}

async function runClient(running: Running): Promise<void> {
  const { url, ledger, state } = running;
  const clock = { lastCommitAt: performance.now() };
  while (!state.isStopping) {
    const client = new Client({ connectionString: url, application_name: 'erp' });
    const session = { isBroken: false };
    // A session that is ended between two transactions says so here and nowhere else.
    client.on('error', () => {
      session.isBroken = true;
    });
    try {
      await client.connect();
    } catch (error) {
      ledger.refusedConnects.push(codeOf(error));
      // What queued behind a rename is told that the name has just gone; the next attempt finds it again.
      await sleep(1);
      continue;
    }
    await useSession(client, session, running, clock);
    if (session.isBroken) ledger.brokenSessions += 1;
    await client.end().catch(() => {});
  }
}

/** Works until the session breaks or the application stops. */
async function useSession(
  client: Client,
  session: { isBroken: boolean },
  running: Running,
  clock: { lastCommitAt: number },
): Promise<void> {
  const { ledger, pace, state } = running;
  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (session.isBroken || sessionEnded.test(codeOf(error)) || !hasSqlState(error))
        session.isBroken = true;
      else ledger.failures.push(error instanceof Error ? error.message : String(error));
      return false;
    }
  };

  await attempt(async () => {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    ledger.backendPids.push(rows[0]?.pid ?? 0);
  });
  for (await pace.wait(); !state.isStopping && !session.isBroken; await pace.wait()) {
    const { token, sql, kind } = running.next();
    if (!(await attempt(() => client.query(`BEGIN; ${sql}`)))) {
      // Nothing of it can be in: COMMIT was never sent.
      if (!session.isBroken) await attempt(() => client.query('ROLLBACK'));
      continue;
    }
    ledger.unknown.set(token, kind);
    const isCommitted = await attempt(() => client.query('COMMIT'));
    if (!isCommitted) {
      // An error in a session that lives on says for certain that it is not in.
      if (!session.isBroken) ledger.unknown.delete(token);
      continue;
    }
    ledger.unknown.delete(token);
    ledger.committed.set(token, kind);
    const now = performance.now();
    ledger.longestPauseMs = Math.max(ledger.longestPauseMs, now - clock.lastCommitAt);
    clock.lastCommitAt = now;
  }
}

function hasSqlState(error: unknown): boolean {
  return /^[0-9A-Z]{5}$/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : String(error);
}
