import { z } from 'zod';
import type { TableDifference } from '../../../report/report.ts';
import type { PhaseLog } from '../../../report/run-log.ts';
import { messageOf, SafeMigrateError } from '../../../system/errors.ts';
import type { Database } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { markLimitBytes, provenCopy } from '../copy/copy-mark.ts';
import { exportSnapshot } from '../fingerprint/fingerprint.ts';
import { beginReading } from '../fingerprint/snapshot-readers.ts';
import { tableKey } from '../fingerprint/table-content.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { readingSession } from '../session/reading-sessions.ts';
import { listComparableTables } from './comparable-tables.ts';
import type { ComparedSide } from './compare-rows.ts';
import { TableComparer, type TablePair } from './compare-table.ts';

type FailedComparison = Parameters<Database['compareWithFailed']>[0];

/**
 * What differs, table by table, between the failed database and what came out of the backup. The failed database is
 * open for as long as it takes, under its own name, and closed again whatever happens. `admin` is a session in
 * another database of the server.
 *
 * The application is writing into the recovered target again, and its sequences hand out the same numbers again.
 * So of the target only rows count that are older than the swap, by their `xmin`: a database that was closed until
 * the swap's commit holds no younger ones but the application's. Everything is read in one snapshot, taken at once.
 *
 * For what was inserted into the failed database the numbers are exact. A row of the backup that the application has
 * changed or deleted between the swap and this snapshot is counted as one that only the failed database holds; the
 * log says for which tables that can be.
 */
export async function compareWithFailed(
  server: PostgresServer,
  admin: SqlSession,
  request: FailedComparison,
  log: PhaseLog,
): Promise<readonly TableDifference[]> {
  const target = server.address.database;
  await using snapshotOfTarget = await openExporter(server, target);
  await assertFailedDatabase(admin, target, request.failedName);
  await allowConnections(admin, request.failedName, true);
  try {
    await using snapshotOfFailed = await openExporter(server, request.failedName);
    return await compareAll(server, snapshotOfFailed, snapshotOfTarget, request, log);
  } finally {
    await closeAgain(server, request.failedName, log);
  }
}

async function allowConnections(session: SqlSession, name: string, isAllowed: boolean): Promise<void> {
  await session.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS ${isAllowed}`);
}

/** In a session of its own, and without hiding how the comparison ended. */
async function closeAgain(server: PostgresServer, name: string, log: PhaseLog): Promise<void> {
  try {
    await using session = await server.connect(server.address.database);
    await allowConnections(session, name, false);
  } catch (error) {
    const reason = messageOf(error);
    log.warn(
      `${name} is still open to connections: ${reason} Close it by hand: ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false;`,
    );
  }
}

interface Exporter extends ComparedSide, AsyncDisposable {}

async function openExporter(server: PostgresServer, database: string): Promise<Exporter> {
  const session = await server.connect(database, { applicationName: readingSession.compare });
  try {
    const snapshotId = await exportSnapshot(session);
    return {
      session,
      source: { database, snapshotId },
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

async function assertFailedDatabase(admin: SqlSession, target: string, name: string): Promise<void> {
  const [row] = await admin.query(
    // The swap was this run's, or that of the one that it has finished: it checked the owner.
    `SELECT pg_catalog.left(pg_catalog.shobj_description(oid, 'pg_database'), ${markLimitBytes}) AS "comment"
       FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
    z.object({ comment: z.string().nullable() }),
  );
  if (provenCopy(target, name, row?.comment ?? null)?.kind === 'failed') return;
  throw new SafeMigrateError({
    code: 'SM_NOT_A_COPY',
    message: `${name} is not a failed database that safe-migrate kept of ${target}; it was not opened`,
    hint: 'Somebody has renamed, dropped or re-commented it since the swap.',
    docs: 'recovery.md',
  });
}

async function compareAll(
  server: PostgresServer,
  failed: Exporter,
  target: Exporter,
  request: FailedComparison,
  log: PhaseLog,
): Promise<readonly TableDifference[]> {
  const pairs = new Map<string, TablePair>();
  for (const table of await listComparableTables(failed.session)) {
    pairs.set(tableKey(table), { failed: table, target: undefined });
  }
  for (const table of await listComparableTables(target.session)) {
    pairs.set(tableKey(table), { failed: pairs.get(tableKey(table))?.failed, target: table });
  }
  const before = new Map(request.before.tables.map((content) => [tableKey(content), content]));
  const bigFirst = [...pairs].toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a));
  const queue = bigFirst.values();
  const differences: TableDifference[] = [];
  let done = 0;
  log.progress(() => `${done} of ${pairs.size} tables compared`);

  const work = async (): Promise<void> => {
    await using failedSide = await joinSnapshot(server, failed);
    await using targetSide = await joinSnapshot(server, target);
    const comparer = new TableComparer(server, failedSide, targetSide, request.xidAtSwap, log);
    for (const [key, pair] of queue) {
      const difference = await comparer.compare(pair, before.get(key));
      if (difference !== null) differences.push(difference);
      done += 1;
    }
  };
  const workers = Math.min(Math.max(1, request.jobs), pairs.size);
  const results = await Promise.allSettled(Array.from({ length: workers }, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return differences.toSorted((a, b) => (tableKey(a) < tableKey(b) ? -1 : 1));
}

function sizeOf({ failed, target }: TablePair): number {
  return (failed?.sizeBytes ?? 0) + (target?.sizeBytes ?? 0);
}

async function joinSnapshot(server: PostgresServer, { source }: Exporter): Promise<Exporter> {
  const session = await server.connect(source.database, { applicationName: readingSession.compare });
  await session.execute(`${beginReading}; SET TRANSACTION SNAPSHOT '${source.snapshotId}'`);
  return { session, source, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
}
