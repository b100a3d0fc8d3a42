import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { PhaseLog } from '../../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../../system/errors.ts';
import type { SwapOutcome, SwapPlan } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { copyMark } from '../copy/copy-mark.ts';
import { writtenRowsSql } from '../fingerprint/counters.ts';
import { journalStatement, serverTime } from '../lock/journal-comment.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { isConnectionLost, SqlError } from '../session/sql-errors.ts';
import { clearTheWay } from './clear-the-way.ts';
import { readNames } from './database-names.ts';
import { findBlockers } from './swap-blockers.ts';
import { followOwner, isFallbackOurs } from './swap-owners.ts';

/** Each attempt waits five seconds for the sessions to go: the server's own limit in RENAME. */
const attempts = 4;
/** Raised by the swap's own transaction. */
const writtenState = 'SM002';
/** How often the helping session may be lost. */
const rounds = 3;
/** Between attempts: whoever queued meanwhile gets in and may finish something. */
const pauseMs = 200;
/** How long a session whose connection broke may go on working on the server. */
const lostSessionTimeoutMs = 20_000;
/** A server that crashed in that moment is back well before. */
const answerTimeoutMs = 120_000;
const askAgainMs = 1_000;

/**
 * object_in_use (sessions did not go in time), deadlock_detected, and internal_error, as which PostgreSQL reports
 * "tuple concurrently updated" when something else changes the database's row in the same moment.
 */
const worthAnotherTry = new Set(['55006', '40P01', 'XX000']);

/**
 * Puts the fallback database in the target's place: one transaction renames the target to `plan.failedName` and the
 * fallback to the target's name, closes the one and opens the other. `renamer` is the session in the coordination
 * database that holds the run's lock: if the lock is lost, so is the transaction. No session of ours may be in the
 * target or in the fallback.
 *
 * The rename comes first because it locks the database's name: whoever connects from then on waits instead of coming
 * in, and only then are the sessions that are there ended, so that nobody is thrown out twice. There is no committed
 * moment in which the name is missing or closed. Clients that were waiting for the name are told once that the
 * database "seems to have just been dropped or renamed", and get in when they try again.
 *
 * Rejects with SM_ALREADY_SWAPPED when the fallback bears the target's name already, with SM_SWAP_UNKNOWN when the answer
 * to COMMIT was lost and nobody can be asked, otherwise with SM_SWAP_FAILED or SM_CONNECTION_LOST; then both names are as
 * before.
 */
export async function swap(
  server: PostgresServer,
  renamer: SqlSession,
  plan: SwapPlan,
  log: PhaseLog,
): Promise<SwapOutcome> {
  const target = server.address.database;
  const terminated = new Set<number>();
  for (let round = 1; ; round += 1) {
    try {
      return await swapWithHelp(server, renamer, plan, terminated, log);
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      // It may be the helper alone that was lost. The session that renames, and with it the lock, lives on then; otherwise
      // whoever holds the lock has to take it again first.
      if (!(await isThereFor(renamer, 'SELECT 1'))) throw error;
      if (round === rounds) throw swapFailed(target, reasonOf(error), error);
      log.detail(`again, with another session beside: ${reasonOf(error)}`);
    }
  }
}

/** With a second session, which ends those that are in the way while the first one waits for the name. */
async function swapWithHelp(
  server: PostgresServer,
  renamer: SqlSession,
  plan: SwapPlan,
  terminated: Set<number>,
  log: PhaseLog,
): Promise<SwapOutcome> {
  const target = server.address.database;
  await using terminator = await server.connect(renamer.database, { applicationName: 'safe-migrate swap' });
  await checkPlan(terminator, target, plan);
  for (let attempt = 1; ; attempt += 1) {
    const tried = await attemptSwap(server, renamer, terminator, plan, terminated);
    if (tried.xid !== null) {
      return { terminatedSessions: terminated.size, xidAtSwap: Number(BigInt.asUintN(32, tried.xid)) };
    }
    const { error } = tried;
    if (error instanceof SqlError && error.sqlState === writtenState) throw writtenMeanwhile(target, error);
    // The server is gone, and with it the transaction: whoever has the lock tries again when it is back.
    if (isConnectionLost(error)) throw error;
    const mayTryAgain = error instanceof SqlError && worthAnotherTry.has(error.sqlState);
    if (!mayTryAgain) throw swapFailed(target, reasonOf(error), error);
    const blockers = await findBlockers(terminator, plan.targetOid);
    if (attempt === attempts || blockers.preparedTransactions.length > 0) {
      throw swapFailed(target, blockers.description ?? reasonOf(error), error);
    }
    log.detail(
      `attempt ${attempt} of ${attempts} to rename ${target}: ${blockers.description ?? reasonOf(error)}`,
    );
    await sleep(pauseMs);
  }
}

/** Runs a statement that an ended session is known by; false when it is gone, and its transaction with it. */
async function isThereFor(session: SqlSession, statement: string): Promise<boolean> {
  try {
    await session.execute(statement);
    return true;
  } catch (error) {
    if (isConnectionLost(error)) return false;
    throw error;
  }
}

type Attempt = { readonly xid: bigint } | { readonly xid: null; readonly error: unknown };

async function attemptSwap(
  server: PostgresServer,
  renamer: SqlSession,
  terminator: SqlSession,
  plan: SwapPlan,
  terminated: Set<number>,
): Promise<Attempt> {
  let xid: bigint | null = null;
  try {
    const at = await serverTime(renamer);
    await renamer.execute('BEGIN');
    await clearTheWay(
      terminator,
      { databaseOid: plan.targetOid, renamerPid: renamer.backendPid, terminated },
      renamer.execute(
        `ALTER DATABASE ${identifier(server.address.database)} RENAME TO ${identifier(plan.failedName)}`,
      ),
    );
    await renamer.execute(renameBack(server.address.database, plan, at));
    xid = await currentXid(renamer);
    await renamer.execute('COMMIT');
    return { xid };
  } catch (error) {
    const isGone = !(await isThereFor(renamer, 'ROLLBACK'));
    // Only a connection that broke over the answer to COMMIT leaves a doubt.
    if (xid === null || !isGone) return { xid: null, error };
    return (await wasCommitted(server, renamer, plan)) ? { xid } : { xid: null, error };
  }
}

/** Asks the names, in a session of its own, once the lost session has ended on the server, too. */
async function wasCommitted(server: PostgresServer, renamer: SqlSession, plan: SwapPlan): Promise<boolean> {
  const askUntil = Date.now() + answerTimeoutMs;
  for (;;) {
    try {
      await using session = await server.connect(renamer.database, { applicationName: 'safe-migrate swap' });
      const deadline = Date.now() + lostSessionTimeoutMs;
      while (Date.now() < deadline && (await isAlive(session, renamer.backendPid))) await sleep(pauseMs);
      return (await readNames(session)).get(server.address.database)?.oid === plan.fallback.oid;
    } catch (cause) {
      if (Date.now() >= askUntil) throw swapUnknown(server, plan, cause);
      await sleep(askAgainMs);
    }
  }
}

function swapUnknown(server: PostgresServer, plan: SwapPlan, cause: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_SWAP_UNKNOWN',
    message: `The connection broke while the swap of ${server.address.database} was being committed, and the server cannot be asked whether it was.`,
    hint: `Look for a database ${plan.failedName}: if it is there, the swap is done; otherwise both names are as before.`,
    docs: 'recovery.md',
    phase: 'recover',
    cause,
  });
}

async function isAlive(session: SqlSession, pid: number): Promise<boolean> {
  const rows = await session.query(
    `SELECT pid AS "pid" FROM pg_catalog.pg_stat_activity WHERE pid = ${pid}`,
    z.object({ pid: z.number() }),
  );
  return rows.length > 0;
}

/** Everything after the first rename; the names are locked, so what is checked here stays so. */
function renameBack(target: string, plan: SwapPlan, at: string): string {
  const { properties, fallback, failedName, journal } = plan;
  const mark = copyMark({ kind: 'failed', target, run: plan.run, at, replacedBy: fallback.oid });
  const written = journal === null ? '' : `${journalStatement(target, { ...journal, at })};`;
  return `
    DO $sm$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE oid = ${plan.targetOid} AND datname = ${literal(failedName)}) THEN
        RAISE EXCEPTION 'another database bears the name of the target now' USING ERRCODE = 'SM001';
      END IF;
      ${refuseWhenWritten(plan)}
      IF NOT EXISTS (SELECT FROM pg_catalog.pg_database
                      WHERE oid = ${fallback.oid} AND datname = ${literal(fallback.name)} AND NOT datallowconn) THEN
        RAISE EXCEPTION 'the fallback database was replaced or opened to connections' USING ERRCODE = 'SM001';
      END IF;
      IF NOT ${isFallbackOurs(plan, { oid: plan.targetOid })} THEN
        RAISE EXCEPTION 'the fallback database belongs to a role that no run would have given it to' USING ERRCODE = 'SM001';
      END IF;
      ${followOwner(target, plan)}
    END $sm$;
    ALTER DATABASE ${identifier(fallback.name)} RENAME TO ${identifier(target)};
    ALTER DATABASE ${identifier(failedName)} ALLOW_CONNECTIONS false;
    COMMENT ON DATABASE ${identifier(failedName)} IS ${literal(mark)};
    ${written}
    COMMENT ON DATABASE ${identifier(target)} IS ${properties.comment === null ? 'NULL' : literal(properties.comment)};
    ALTER DATABASE ${identifier(target)} ALLOW_CONNECTIONS true`;
}

/** Nobody is in the target any more, and whoever was has told by now what he wrote. */
function refuseWhenWritten({ targetOid, writtenRows = null }: SwapPlan): string {
  if (writtenRows === null) return '';
  return `IF ${writtenRowsSql(targetOid)}::text IS DISTINCT FROM ${literal(writtenRows)} THEN
        RAISE EXCEPTION 'somebody has written into the target' USING ERRCODE = '${writtenState}';
      END IF;`;
}

function writtenMeanwhile(target: string, cause: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_WRITTEN_MEANWHILE',
    message: `Somebody has written into ${target} after it was compared. Nothing was swapped.`,
    hint: 'The tables are compared again; nothing has to be done.',
    docs: 'recovery.md',
    phase: 'recover',
    cause,
  });
}

async function currentXid(session: SqlSession): Promise<bigint> {
  const [row] = await session.query(
    'SELECT pg_catalog.pg_current_xact_id()::text AS "xid"',
    z.object({ xid: z.string() }),
  );
  if (row === undefined) throw new TypeError('pg_current_xact_id() returned no row');
  return BigInt(row.xid);
}

/** Refuses before anybody is disturbed; the transaction checks again. */
async function checkPlan(session: SqlSession, target: string, plan: SwapPlan): Promise<void> {
  const names = await readNames(session);
  const inPlace = names.get(target);
  const fallback = names.get(plan.fallback.name);
  if (inPlace?.oid === plan.fallback.oid) {
    throw new SafeMigrateError({
      code: 'SM_ALREADY_SWAPPED',
      message: `${target} is the fallback database already: somebody has finished this recovery.`,
      hint: 'Nothing is left to swap. Compare the report of the run that did it.',
      docs: 'recovery.md',
      phase: 'recover',
    });
  }
  const blockers = await findBlockers(session, plan.targetOid);
  const [copy] = await session.query(
    `SELECT ${isFallbackOurs(plan, { oid: plan.targetOid })} AS "isOurs"`,
    z.object({ isOurs: z.boolean() }),
  );
  const taken = names.get(plan.failedName);
  const obstacle =
    inPlace?.oid !== plan.targetOid
      ? `another database bears the name ${target} now`
      : fallback?.oid !== plan.fallback.oid
        ? `the fallback database ${plan.fallback.name} is gone or was replaced`
        : fallback.isOpen
          ? `the fallback database ${plan.fallback.name} was opened to connections, so it may have changed since it was compared`
          : copy?.isOurs !== true
            ? `the fallback database ${plan.fallback.name} belongs to ${fallback.owner}, to whom no run would have given it`
            : taken !== undefined
              ? `there is a database ${plan.failedName} already, which belongs to ${taken.owner} (as a superuser or as ${taken.owner}: DROP DATABASE ${identifier(plan.failedName)};)`
              : blockers.preparedTransactions.length > 0
                ? blockers.description
                : null;
  if (obstacle !== null) throw swapFailed(target, obstacle);
}

export function reasonOf(error: unknown): string {
  if (error instanceof SqlError) return error.primaryMessage;
  return messageOf(error);
}

export function swapFailed(target: string, reason: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_SWAP_FAILED',
    message: `${target} could not be swapped for the fallback database: ${reason}. Both names are as before.`,
    hint: 'Remove what is in the way, then finish the recovery with the commands that the report prints.',
    docs: 'recovery.md',
    phase: 'recover',
    cause,
  });
}
