import { SafeMigrateError } from '../../../system/errors.ts';
import type { RunLock } from '../../database.ts';
import type { JournalChange } from '../../journal.ts';
import { identifier } from '../../sql-text.ts';
import { coordinationName } from '../copy/copy-name.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { keepAlive } from '../session/keep-alive.ts';
import { endLeftoverReaders } from '../session/reading-sessions.ts';
import { isConnectionLost } from '../session/sql-errors.ts';
import { holderName, holdsLock, lockedError, type RunHolder, tryLock, unlock } from './advisory-lock.ts';
import { dropCoordination, lockCoordination } from './coordination.ts';
import { writeJournal } from './journal-comment.ts';

/** How long the server may take to let the lock in the target go. */
const unlockTimeoutMs = 5_000;

/**
 * The run's lock: one in the coordination database, held from the first to the last moment, and one in the target,
 * which also keeps apart runs whose roles cannot make a coordination database.
 */
export interface HeldLock extends RunLock {
  /** The session in the coordination database that holds the lock; null for a role that may not create one. */
  readonly coordination: SqlSession | null;
  /** Aborts when the server does not answer any more: whoever waits for another of its sessions waits for ever. */
  readonly silent: AbortSignal;
  /** Lets go of the target: any session in a database blocks its renaming. The coordination lock stays. */
  releaseTarget(): Promise<void>;
  /** Takes the lock in what is the target now. False when somebody else got it first. */
  reacquireTarget(): Promise<boolean>;
}

/**
 * Takes the lock on the server's target for `holder`, or rejects with SM_LOCKED, naming who has it and since when.
 * Of a target that cannot be connected to, the coordination lock is all there is to take; nobody else is in it either.
 */
export async function takeLock(
  server: PostgresServer,
  holder: RunHolder,
  onLeftBehind: (line: string) => void = () => {},
): Promise<HeldLock> {
  const applicationName = holderName(holder);
  const atHome = await server.connect(server.home, { applicationName });
  let coordination: SqlSession | null = null;
  try {
    // In this order: a run that swaps lets go of the target for a moment, but never of the coordination database.
    coordination = await lockCoordination(server, atHome, applicationName);
    if (server.unreachable === null) {
      await lockTarget(atHome);
      await endLeftoverReaders(atHome);
    } else if (coordination === null) throw nothingToLock(server);
    else await atHome[Symbol.asyncDispose]();
    const inTarget = server.unreachable === null ? atHome : null;
    const held = new HeldSessions(server, applicationName, coordination, inTarget, onLeftBehind);
    await held.start();
    return held;
  } catch (error) {
    if (coordination !== null) {
      const { backendPid } = coordination;
      await coordination[Symbol.asyncDispose]();
      await cleanUp(
        () => dropCoordination(atHome, server.address.database, backendPid),
        (because) => onLeftBehind(leftBehind(coordinationName(server.address.database), because)),
      );
    }
    await atHome[Symbol.asyncDispose]();
    throw error;
  }
}

async function lockTarget(inTarget: SqlSession): Promise<void> {
  while (!(await tryLock(inTarget))) {
    const locked = await lockedError(inTarget, inTarget.database);
    if (locked !== null) throw locked;
  }
}

class HeldSessions implements HeldLock {
  coordination: SqlSession | null;
  readonly coordinationDatabase: string | null;
  readonly #server: PostgresServer;
  readonly #applicationName: string;
  readonly #onLeftBehind: (line: string) => void;
  /** null while the target is let go. */
  #inTarget: SqlSession | null;
  readonly #lost = new AbortController();
  readonly #silent = new AbortController();
  readonly #onLost = ({ isSilent }: { readonly isSilent: boolean }): void => {
    if (isSilent) this.#silent.abort();
    this.#lost.abort(lockLost(this.#server));
  };
  #stopTargetPings: () => void = () => {};
  #stopCoordinationPings: () => void = () => {};

  constructor(
    server: PostgresServer,
    applicationName: string,
    coordination: SqlSession | null,
    inTarget: SqlSession | null,
    onLeftBehind: (line: string) => void,
  ) {
    this.#onLeftBehind = onLeftBehind;
    this.coordination = coordination;
    this.coordinationDatabase = coordination?.database ?? null;
    this.#server = server;
    this.#applicationName = applicationName;
    this.#inTarget = inTarget;
  }

  get silent(): AbortSignal {
    return this.#silent.signal;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async start(): Promise<void> {
    if (this.coordination !== null) {
      this.#stopCoordinationPings = await keepAlive(this.coordination, this.#server.version, this.#onLost);
    }
    if (this.#inTarget !== null) this.#stopTargetPings = await this.#keepTarget(this.#inTarget);
  }

  /** With the coordination lock in hand the one in the target may be taken again. */
  #keepTarget(session: SqlSession): Promise<() => void> {
    const onLost = this.coordination === null ? this.#onLost : () => {};
    return keepAlive(session, this.#server.version, onLost);
  }

  async assertHeld(): Promise<void> {
    if (this.coordination !== null && !(await stillHolds(this.coordination))) throw lockLost(this.#server);
    if (this.#inTarget === null || (await stillHolds(this.#inTarget))) return;
    // Somebody cleared the target of sessions (a hook, an administrator). With the coordination lock in hand nobody
    // else can have begun meanwhile, so the other one may be taken again.
    const mayTakeAgain = this.coordination !== null;
    if (!mayTakeAgain) throw lockLost(this.#server);
    await this.releaseTarget();
    if (!(await this.reacquireTarget())) throw lockLost(this.#server);
  }

  async regain(): Promise<void> {
    const { coordination } = this;
    if (coordination === null || (await stillHolds(coordination))) return await this.assertHeld();
    this.#stopCoordinationPings();
    await this.releaseTarget();
    await coordination[Symbol.asyncDispose]();
    await using atHome = await this.#server.connect(this.#server.home);
    this.coordination = await lockCoordination(this.#server, atHome, this.#applicationName);
    if (this.coordination === null) throw lockLost(this.#server);
    this.#stopCoordinationPings = await keepAlive(this.coordination, this.#server.version, this.#onLost);
    if (this.#server.unreachable !== null) return;
    if (!(await this.reacquireTarget())) throw lockLost(this.#server);
  }

  async writeJournal(change: JournalChange): Promise<void> {
    const { coordination } = this;
    if (coordination === null) return;
    if (!(await stillHolds(coordination))) throw lockLost(this.#server);
    await writeJournal(coordination, this.#server.address.database, change);
  }

  async releaseTarget(): Promise<void> {
    this.#stopTargetPings();
    const session = this.#inTarget;
    this.#inTarget = null;
    await session?.[Symbol.asyncDispose]();
  }

  async reacquireTarget(): Promise<boolean> {
    if (this.#inTarget !== null) return true;
    const session = await this.#server.connect(this.#server.address.database, {
      applicationName: this.#applicationName,
    });
    if (!(await tryLock(session))) {
      await session[Symbol.asyncDispose]();
      return false;
    }
    this.#inTarget = session;
    this.#stopTargetPings = await this.#keepTarget(session);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopCoordinationPings();
    this.#stopTargetPings();
    const inTarget = this.#inTarget;
    this.#inTarget = null;
    // The target's lock first: whoever gets the coordination lock then finds the target free, too.
    const isAlive = inTarget !== null && (await cleanUp(() => unlockOrEnd(inTarget)));
    await this.coordination?.[Symbol.asyncDispose]();
    if (this.coordination !== null) {
      const { backendPid } = this.coordination;
      await cleanUp(
        async () => {
          // That session may have been ended, or let go for a swap; another one costs a connection, which may not be there.
          await using own = isAlive ? null : await this.#server.connect(this.#server.home);
          const cleaner = own ?? inTarget;
          if (cleaner !== null) await dropCoordination(cleaner, this.#server.address.database, backendPid);
        },
        (because) => this.#onLeftBehind(leftBehind(this.coordinationDatabase ?? '', because)),
      );
    }
    await inTarget?.[Symbol.asyncDispose]();
  }
}

async function stillHolds(session: SqlSession): Promise<boolean> {
  try {
    return await holdsLock(session);
  } catch (error) {
    if (isConnectionLost(error)) return false;
    throw error;
  }
}

/** A server that is silent does not answer; the lock ends with the session all the same. */
async function unlockOrEnd(session: SqlSession): Promise<void> {
  const timer = setTimeout(() => session.kill(), unlockTimeoutMs);
  try {
    await unlock(session);
  } finally {
    clearTimeout(timer);
  }
}

/** Clean-up at the end of a lock: when the session is gone, so is its lock, and the next run drops what is left. */
async function cleanUp(
  work: () => Promise<void>,
  tell: (because: string) => void = () => {},
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    tell(error.message);
    return false;
  }
}

function leftBehind(name: string, because: string): string {
  return `${name}, which kept other runs away, could not be dropped: ${because} The next run uses it and drops it.`;
}

function nothingToLock(server: PostgresServer): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_NO_CREATEDB',
    message: `the role of database-url may not create databases, and ${server.address.database} cannot be connected to`,
    hint: `Let an administrator run ALTER ROLE ${identifier(server.address.user)} CREATEDB.`,
    docs: 'postgresql.md',
    phase: 'preflight',
  });
}

function lockLost(server: PostgresServer): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_LOCK_LOST',
    message: `The session that held this run's lock on ${server.address.database} is gone, so another run may have begun.`,
    hint: "Look in the server's log for why it ended (restart, terminated session, network), then run this job again.",
  });
}
