import { z } from 'zod';
import type { PhaseLog } from '../../report/run-log.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import type { Database } from '../database.ts';
import { literal } from '../sql-text.ts';
import { readArchive } from './archive/read-archive.ts';
import { openSnapshot } from './archive/snapshot.ts';
import { compareWithFailed } from './compare/compare-with-failed.ts';
import { type ConnectOptions, connectServer } from './connect/connect.ts';
import { claimCopy } from './copy/claim-copy.ts';
import { copyMark } from './copy/copy-mark.ts';
import { coordinationName, copyName } from './copy/copy-name.ts';
import { dropCopy } from './copy/drop-copy.ts';
import { copiesOf, foreignDatabases } from './copy/kept-databases.ts';
import { readProperties } from './copy/properties.ts';
import { readCompared } from './drift/scratch-server.ts';
import {
  changedTables,
  movedSequences,
  readColumns,
  rewoundSequences,
} from './fingerprint/changed-contents.ts';
import { readCounters, writtenRowsSql } from './fingerprint/counters.ts';
import { readWitness } from './fingerprint/witness.ts';
import { inspect } from './inspect/inspect.ts';
import { readServerRoles } from './inspect/server-roles.ts';
import { coordinationMark } from './lock/coordination-mark.ts';
import { openJournal } from './lock/journal-comment.ts';
import { type HeldLock, takeLock } from './lock/lock.ts';
import { restoreBeside } from './prove/restore-beside.ts';
import { openMeetingPoint } from './route/meeting-point.ts';
import { isOneRoute } from './route/one-route.ts';
import { readSchemaText, schemaDigest } from './schema/schema-text.ts';
import type { SqlSession } from './server/server.ts';
import type { ConnectionTarget } from './server/url.ts';
import { readServerIdentity } from './session/server-identity.ts';
import { TargetSession } from './session/target-session.ts';
import { failedPlace } from './swap/failed-place.ts';
import { swap } from './swap/swap.ts';
import { takeName } from './swap/take-name.ts';
import { watchPrismaLock } from './work/lock-watch.ts';
import { prismaLockHolder, terminate } from './work/prisma-lock.ts';
import { readPreparedWork, readWorkSessions, rollbackPrepared, stillThere } from './work/work-sessions.ts';

/** Opens the port to one target. Rejects as `connectServer` does; disposing ends its session and its tools. */
export async function openDatabase(
  target: ConnectionTarget,
  options: Omit<ConnectOptions, 'folders'> = {},
): Promise<Database> {
  const server = await connectServer(target, { ...options, keepsFirstSession: true });
  const name = server.address.database;
  const inTarget = new TargetSession(server);
  /** For questions about databases, which can be asked from any of them. */
  const atHome = server.unreachable === null ? inTarget : new TargetSession(server, server.home);
  let held: HeldLock | null = null;
  /** To whom the copies of this run were given, by name: a migration may give the target to somebody else. */
  const madeFor = new Map<string, string>();

  /** The swap needs the target empty of our own sessions, and the lock's other session to do its work in. */
  const withRenamer = async <T>(
    log: PhaseLog | null,
    rename: (renamer: SqlSession) => Promise<T>,
  ): Promise<T> => {
    if (held === null || held.coordination === null) {
      throw new SafeMigrateError({
        code: 'SM_SWAP_FAILED',
        message: `${name} cannot be swapped: this run holds no lock in a coordination database.`,
        hint: 'The role of database-url needs CREATEDB for recovery by swap.',
        docs: 'recovery.md',
        phase: 'recover',
      });
    }
    const lock = held;
    await lock.assertHeld();
    await inTarget.close();
    await lock.releaseTarget();
    return await rename(held.coordination).finally(() => lockTargetAgain(lock, log));
  };

  return {
    address: server.address,
    server: server.version,
    unreachable: server.unreachable,
    toolsFact: server.tools.fact,
    toolsWarnings: server.tools.warnings,

    query: (sql, row) => inTarget.use((session) => session.query(sql, row)),
    execute: (sql) => inTarget.use((session) => session.execute(sql)),
    async queryIn(database, sql, row) {
      await using session = await server.connect(database);
      return await session.query(sql, row);
    },
    urlOf: (database) => target.urlOf(database),
    copyName: (kind, run) => copyName(name, kind, run),
    failedPlace: (run) => atHome.use((session) => failedPlace(session, name, run)),
    copyMark: (kind, run) => copyMark({ kind, target: name, run }),
    identity: () => atHome.use(readServerIdentity),
    serverTime: () =>
      atHome.use(async (session) => {
        const [row] = await session.query(
          `SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::float8 AS "ms"`,
          z.object({ ms: z.number() }),
        );
        return new Date(row?.ms ?? Number.NaN);
      }),
    schema: (signal) => readCompared(server, name, signal),
    interrupt: () => inTarget.interrupt(),
    inspect: () => inTarget.use((session) => inspect(session, server.version)),

    async lock({ onLeftBehind, ...holder }) {
      const lock = await takeLock(server, holder, onLeftBehind);
      held = lock;
      const startAnew = (): void => {
        inTarget.interrupt();
        atHome.interrupt();
      };
      lock.silent.addEventListener('abort', startAnew, { once: true });
      return lock;
    },

    closedJournal: { database: coordinationName(name), comment: coordinationMark(name) },
    openJournal: () => atHome.use((session) => openJournal(session, name)),

    openSnapshot: () => openSnapshot(server),
    witness: () => inTarget.use(readWitness),
    counters: () => inTarget.use(readCounters),
    columns: () => inTarget.use(readColumns),
    writtenRows: (oid) =>
      inTarget.use(async (session) => {
        const [row] = await session.query(
          `SELECT ${writtenRowsSql(oid)}::text AS "rows"`,
          z.object({ rows: z.string() }),
        );
        return row?.rows ?? '';
      }),
    changedTables: (before, counters, options) => changedTables(server, before, counters, options),
    movedSequences: (before) => inTarget.use((session) => movedSequences(session, before)),
    rewoundSequences: (before) => inTarget.use((session) => rewoundSequences(session, before)),

    readArchive: (dumpPath, signal) => readArchive(server, dumpPath, signal),
    restoreBeside(request, log) {
      madeFor.set(request.name, request.properties.owner);
      return restoreBeside(server, request, log);
    },
    swap: (plan, log) => withRenamer(log, (renamer) => swap(server, renamer, plan, log)),
    takeName: (plan) => withRenamer(null, (renamer) => takeName(server, renamer, plan)),
    oidOf: (database) =>
      atHome.use(async (session) => {
        const [row] = await session.query(
          `SELECT oid::bigint AS "oid" FROM pg_catalog.pg_database WHERE datname = ${literal(database)}`,
          z.object({ oid: z.number() }),
        );
        return row?.oid ?? null;
      }),
    schemaDigest: async (signal) => schemaDigest(await readSchemaText(server, { database: name }, signal)),
    properties: () => atHome.use((session) => readProperties(session, name)),
    roles: () => inTarget.use(readServerRoles),
    compareWithFailed: (request, log) =>
      inTarget.use((session) => compareWithFailed(server, session, request, log)),

    failedDatabases: () => atHome.use((session) => copiesOf(session, name, ['failed'])),
    foreignDatabases: () => atHome.use((session) => foreignDatabases(session, name)),
    leftoverCopies: () =>
      atHome.use((session) => copiesOf(session, name, ['fallback', 'rehearsal', 'scratch'])),
    claimCopy: (kind, run) =>
      atHome.use((session) => claimCopy(server, session, { kind, target: name, run })),
    dropCopy: (copy) => atHome.use((session) => dropCopy(session, name, copy, madeFor.get(copy))),

    isOneRoute: () => isOneRoute(server.tools, server.address),
    openMeetingPoint: (options) => openMeetingPoint(server, options),

    prismaLockHolder: (whom) => inTarget.use((session) => prismaLockHolder(session, whom === 'anybody')),
    watchPrismaLock: () =>
      watchPrismaLock(server, held?.coordinationDatabase ?? name, (work) => inTarget.use(work)),
    workSessions: (by) => inTarget.use((session) => readWorkSessions(session, by)),
    stillThere: (pids) => inTarget.use((session) => stillThere(session, pids)),
    terminate: (pid) => inTarget.use((session) => terminate(session, pid)),
    preparedWork: (since) => inTarget.use((session) => readPreparedWork(session, since)),
    rollbackPrepared: (gid) => inTarget.use((session) => rollbackPrepared(session, gid)),

    async [Symbol.asyncDispose]() {
      await inTarget.close();
      await atHome.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/**
 * The coordination lock guards the run; the other one is for those without. Losing it must not hide how a swap went.
 * `log` is null where there may be nothing to lock.
 */
async function lockTargetAgain(held: HeldLock, log: PhaseLog | null): Promise<void> {
  try {
    if (await held.reacquireTarget()) return;
    log?.warn(
      'another session took the lock in the target after the swap; this run still holds the coordination lock',
    );
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    log?.warn(`the lock in the target could not be taken again after the swap: ${error.message}`);
  }
}
