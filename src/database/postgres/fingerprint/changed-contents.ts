import { z } from 'zod';
import type { Fingerprint, TableColumns, WriteCounters } from '../../database.ts';
import { formOfDigest } from '../../row-digest.ts';
import { literal } from '../../sql-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { readingSession } from '../session/reading-sessions.ts';
import { readCounters } from './counters.ts';
import { exportSnapshot } from './fingerprint.ts';
import { readLargeObjects } from './large-objects.ts';
import { isBehind, readSequenceDirections, readSequences, sequenceKey } from './sequences.ts';
import { endingOnAbort, lockTimeout, type ReadingOptions, readInSnapshot } from './snapshot-readers.ts';
import { listTables, readTableContent, type TableShape, tableKey } from './table-content.ts';

interface ChangedTablesOptions extends ReadingOptions {
  readonly exact: boolean;
  /**
   * Columns that tables had in `before`, by `tableKey`: of a table that has more by now only these are compared, so that a
   * column that was added changes nothing.
   */
  readonly columns?: TableColumns;
}

/** Stands in the list of changed tables: they are contents as well, and no counter tells of them. */
const largeObjectsName = 'large objects';

/**
 * Tables (`schema.table`, quoted as needed, sorted) of the target whose rows differ now from `before`. Only those
 * are read whose counters differ from `counters`, or all of them, and the large objects, when `exact`. New tables and those that are gone
 * are not listed: that is DDL, which the catalog witness sees. Rejects with the signal's reason when it is aborted.
 */
export async function changedTables(
  server: PostgresServer,
  before: Fingerprint,
  counters: WriteCounters,
  options: ChangedTablesOptions,
): Promise<readonly string[]> {
  const { database } = server.address;
  await using exporter = await server.connect(database, { applicationName: readingSession.snapshot });
  return await endingOnAbort(exporter, options.signal, () =>
    readChanged(server, exporter, before, counters, options),
  );
}

async function readChanged(
  server: PostgresServer,
  exporter: SqlSession,
  before: Fingerprint,
  counters: WriteCounters,
  options: ChangedTablesOptions,
): Promise<readonly string[]> {
  const { database } = exporter;
  await exporter.execute(lockTimeout(options));
  const snapshotId = await exportSnapshot(exporter);
  const countersNow = options.exact ? {} : await readCounters(exporter);
  const names = await quotedNames(exporter, before.tables);

  const known = new Map(before.tables.map((content) => [tableKey(content), content]));
  const suspects = (await listTables(exporter)).flatMap((shape) => {
    const content = known.get(tableKey(shape));
    const name = names.get(tableKey(shape));
    if (content === undefined || name === undefined) return [];
    const isSuspect = options.exact || counters[name] !== countersNow[name];
    return isSuspect ? [{ shape: asBefore(shape, options.columns), content, name }] : [];
  });
  const changed: string[] = [];
  const tasks = suspects
    .toSorted((a, b) => b.shape.sizeBytes - a.shape.sizeBytes)
    .map(({ shape, content, name }) => async (session: SqlSession) => {
      const now = await readTableContent(session, shape, formOfDigest(content.digest));
      if (now.rows !== content.rows || now.digest !== content.digest) changed.push(name);
    });
  const largeObjects = async (session: SqlSession) => {
    const now = await readLargeObjects(session, 0, 1);
    const { count, digest } = before.largeObjects;
    if (now.count !== count || now.sum.toString() !== digest) changed.push(largeObjectsName);
  };
  const all = options.exact ? [...tasks, largeObjects] : tasks;
  await readInSnapshot(server, { database, snapshotId }, all, options);
  return changed.toSorted();
}

function asBefore(shape: TableShape, columns: TableColumns | undefined): TableShape {
  const before = columns?.[tableKey(shape)];
  return before?.every((column) => shape.columns.includes(column)) === true
    ? { ...shape, columns: before }
    : shape;
}

/** The columns of every table, by `tableKey`. */
export async function readColumns(session: SqlSession): Promise<TableColumns> {
  const tables = await listTables(session);
  return Object.fromEntries(tables.map((shape) => [tableKey(shape), shape.columns]));
}

/**
 * Sequences (`schema.name`, quoted as needed, sorted) that stand behind where they stood in `before`: somebody set
 * them back. Sequences that are gone are not listed.
 */
export async function rewoundSequences(session: SqlSession, before: Fingerprint): Promise<readonly string[]> {
  const directions = await readSequenceDirections(session);
  const now = new Map((await readSequences(session)).map((sequence) => [sequenceKey(sequence), sequence]));
  const rewound = before.sequences.filter((earlier) => {
    const later = now.get(sequenceKey(earlier));
    if (later === undefined) return false;
    return isBehind(later, earlier, directions.get(sequenceKey(earlier)) ?? 'ascending');
  });
  const names = await quotedNames(
    session,
    rewound.map(({ schema, name }) => ({ schema, table: name })),
  );
  return [...names.values()].toSorted();
}

/**
 * Sequences (`schema.name`, quoted as needed, sorted) that do not stand where they stood in `before`, whichever way. New ones
 * and those that are gone are not listed.
 */
export async function movedSequences(session: SqlSession, before: Fingerprint): Promise<readonly string[]> {
  const now = new Map((await readSequences(session)).map((sequence) => [sequenceKey(sequence), sequence]));
  const moved = before.sequences.filter((earlier) => {
    const later = now.get(sequenceKey(earlier));
    if (later === undefined) return false;
    return later.lastValue !== earlier.lastValue || later.isCalled !== earlier.isCalled;
  });
  const names = await quotedNames(
    session,
    moved.map(({ schema, name }) => ({ schema, table: name })),
  );
  return [...names.values()].toSorted();
}

const nameRow = z.object({ name: z.string(), index: z.number() });

/** The names as PostgreSQL itself would quote them (which words need it depends on its version), by `tableKey`. */
async function quotedNames(
  session: SqlSession,
  tables: readonly { readonly schema: string; readonly table: string }[],
): Promise<ReadonlyMap<string, string>> {
  if (tables.length === 0) return new Map();
  const rows = await session.query(
    `SELECT format('%I.%I', t.item ->> 0, t.item ->> 1) AS "name", t.index::int - 1 AS "index"
       FROM pg_catalog.jsonb_array_elements(${literal(JSON.stringify(tables.map(({ schema, table }) => [schema, table])))}::jsonb)
            WITH ORDINALITY AS t(item, index)`,
    nameRow,
  );
  const names = new Map<string, string>();
  for (const { name, index } of rows) {
    const table = tables[index];
    if (table !== undefined) names.set(tableKey(table), name);
  }
  return names;
}
