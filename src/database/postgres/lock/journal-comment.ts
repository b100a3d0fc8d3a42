import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { Journal, JournalChange } from '../../journal.ts';
import { identifier, literal } from '../../sql-text.ts';
import { coordinationName } from '../copy/copy-name.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { isTrustedOwner } from '../session/trusted-owner.ts';
import { coordinationMark, readJournal, unreadable } from './coordination-mark.ts';

/** insufficient_privilege */
const notOwner = '42501';

/** Ten times the journal of two thousand migrations. */
const journalLimitBytes = 8_000_000;

/**
 * The journal of `target`, asked from any database of the server; null when nothing is open. What stands in a database of
 * somebody else's is no journal: whoever needs the lock is refused by that name (see lockCoordination).
 */
export function openJournal(session: SqlSession, target: string): Promise<Journal | null> {
  return readStanding(session, target, isTrustedOwner('d.datdba', target));
}

/** `isBelieved`: SQL about `d`, the database that the journal stands on. */
async function readStanding(
  session: SqlSession,
  target: string,
  isBelieved: string,
): Promise<Journal | null> {
  const name = coordinationName(target);
  const [row] = await session.query(
    `SELECT pg_catalog.octet_length(s.description) > ${journalLimitBytes} AS "isTooLong",
            CASE WHEN pg_catalog.octet_length(s.description) <= ${journalLimitBytes} THEN s.description END AS "comment"
       FROM pg_catalog.pg_database d JOIN pg_catalog.pg_shdescription s
         ON s.objoid = d.oid AND s.classoid = 'pg_catalog.pg_database'::regclass
      WHERE d.datname = ${literal(name)} AND ${isBelieved}`,
    z.object({ isTooLong: z.boolean(), comment: z.string().nullable() }),
  );
  if (row?.isTooLong === true) throw unreadable(target, name);
  return readJournal(target, name, row?.comment ?? null);
}

/**
 * Writes the journal through the session that holds the run's lock: without the lock there is nothing to write with.
 * Rejects with SM_JOURNAL_TAKEN when what stands there is not what the writer left, and with SM_JOURNAL when the role
 * may not write it.
 */
export async function writeJournal(
  lock: SqlSession,
  target: string,
  { run, isOpen, entry }: JournalChange,
): Promise<Journal | null> {
  // Whose it is was asked when the lock was taken; the migration may have given the target to somebody else since.
  const standing = await readStanding(lock, target, 'd.datname = pg_catalog.current_database()');
  const isAsLeft = isOpen ? standing?.run === run : standing === null;
  if (!isAsLeft) throw taken(target, run, standing);
  const journal = entry === null ? null : { ...entry, at: await serverTime(lock) };
  try {
    await lock.execute(journalStatement(target, journal));
  } catch (cause) {
    if (!(cause instanceof SqlError) || cause.sqlState !== notOwner) throw cause;
    throw new SafeMigrateError({
      code: 'SM_JOURNAL',
      message: `The journal of this run cannot be written: ${lock.database} belongs to another role.`,
      hint: `While no run is at work, drop it as its owner: DROP DATABASE ${identifier(lock.database)}; or run as that role.`,
      docs: 'recovery.md',
      cause,
    });
  }
  return journal;
}

/** The statement that makes `journal` the standing one, for a transaction that does more. */
export function journalStatement(target: string, journal: Journal | null): string {
  return `COMMENT ON DATABASE ${identifier(coordinationName(target))} IS ${literal(coordinationMark(target, journal))}`;
}

/** The server's clock: the machines of two runs need not agree. */
export async function serverTime(session: SqlSession): Promise<string> {
  const [clock] = await session.query(
    `SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "now"`,
    z.object({ now: z.string() }),
  );
  if (clock === undefined) throw new TypeError('clock_timestamp() returned no row');
  return clock.now;
}

function taken(target: string, run: string, standing: Journal | null): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_JOURNAL_TAKEN',
    message:
      standing === null
        ? `The journal of run ${run} on ${target} was closed by somebody else: another run, or a person, has finished it.`
        : `The journal of ${target} is that of run ${standing.run} (phase ${standing.phase}, since ${standing.at}), not that of run ${run}.`,
    hint: 'A run that was cut off leaves what comes next to the one that came after it. See the log of that one.',
    docs: 'recovery.md',
  });
}
