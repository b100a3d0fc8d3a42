import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { type ComparableEntry, isOfGrants } from './comparable-entries.ts';
import { createStatement } from './object-statements.ts';

/**
 * Runs statements whole or not at all, as texts that only the server reads: what they say comes out of a database, and
 * psql would run what stands behind a backslash on this machine.
 */
async function runStatements(session: SqlSession, statements: readonly string[]): Promise<void> {
  const block = statements.map((statement) => `EXECUTE ${literal(statement)};`).join(' ');
  await session.execute(`DO ${literal(`BEGIN ${block} END`)}`);
}

/** runStatements; the server's refusal is returned. */
export async function tryStatements(
  session: SqlSession,
  statements: readonly string[],
): Promise<SqlError | null> {
  try {
    await runStatements(session, statements);
    return null;
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
}

/** What a copy could not hold of an object, and why. */
export interface Lost {
  readonly entry: ComparableEntry;
  readonly reason: string;
}

/**
 * Makes the objects of `entries` in an empty database that this run made, without rows and owned by its own role.
 * What cannot be made there (it needs a role or an extension that this server lacks) is returned, of grants each
 * statement for itself.
 */
export async function loadEntries(
  session: SqlSession,
  entries: Iterable<ComparableEntry>,
): Promise<readonly Lost[]> {
  await session.execute("SET search_path = ''; SET check_function_bodies = off");
  // Event triggers of the target must not run for our own statements; who may not set this, cannot make any.
  await tryStatements(session, ['SET session_replication_role = replica']);
  let waiting = [...entries].flatMap(piecesOf);
  for (;;) {
    const lost: Lost[] = [];
    for (const entry of waiting) {
      const refusal = await tryStatements(session, [createStatement(entry)]);
      if (refusal !== null) lost.push({ entry, reason: refusal.primaryMessage });
    }
    // Some order of pg_dump's is not ours: what failed may only have come too early.
    if (lost.length === 0 || lost.length === waiting.length) return lost;
    waiting = lost.map(({ entry }) => entry);
  }
}

function piecesOf(entry: ComparableEntry): readonly ComparableEntry[] {
  if (!isOfGrants(entry)) return [entry];
  return entry.body
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((body) => ({ ...entry, body }));
}
