import { z } from 'zod';
import type { Fingerprint, TableContent } from '../../database.ts';
import type { DigestForm } from '../../row-digest.ts';
import { readInventory } from '../inventory/read-inventory.ts';
import { readSchemaText, schemaDigest } from '../schema/schema-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { readExtensions } from './extensions.ts';
import { readLargeObjects } from './large-objects.ts';
import { readMaterializedViews, type ViewState } from './materialized-views.ts';
import { namingWhatFailed } from './read-failed.ts';
import { readSequences } from './sequences.ts';
import { readSessionValues } from './session-values.ts';
import {
  beginReading,
  type ExportedSnapshot,
  endingOnAbort,
  type ReadingTask,
  readInSnapshot,
} from './snapshot-readers.ts';
import { inOrder, readBatch, tableBatches } from './table-batches.ts';
import { listFilledViews, listTables, type TableShape } from './table-content.ts';

interface FingerprintOptions {
  /** Sessions that read at the same time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Called after each table. */
  readonly onTable?: ((done: number, all: number) => void) | undefined;
  /** How rows are hashed; default `columns`. */
  readonly form?: DigestForm;
}

/** What belongs to the same snapshot and has been read, or is being read, elsewhere. */
interface KnownParts {
  readonly schemaText: Promise<string>;
  readonly sequences: Fingerprint['sequences'];
}

/**
 * Reads what a database holds in the snapshot that `exporter`'s transaction has exported.
 * Rejects with SM_READ_FAILED, naming the table that could not be read, or with the signal's reason; the exporter is
 * ended then.
 */
export async function readFingerprint(
  server: PostgresServer,
  exporter: SqlSession,
  snapshotId: string,
  known: KnownParts,
  options: FingerprintOptions,
): Promise<Fingerprint> {
  return endingOnAbort(exporter, options.signal, () =>
    readParts(server, exporter, snapshotId, known, options),
  );
}

async function readParts(
  server: PostgresServer,
  exporter: SqlSession,
  snapshotId: string,
  known: KnownParts,
  options: FingerprintOptions,
): Promise<Fingerprint> {
  const extensions = await readExtensions(exporter);
  const views = await readMaterializedViews(exporter);
  const inventory = await readInventory(exporter);
  const tables = await listTables(exporter);
  const filledViews = await listFilledViews(exporter);
  const source = { database: exporter.database, snapshotId };
  const { contents, largeObjects } = await readContents(server, exporter, source, options, [
    ...tables,
    ...filledViews,
  ]);
  return {
    serverMajor: server.version.major,
    schemaDigest: schemaDigest(await known.schemaText),
    extensions,
    tables: inOrder(tables, contents),
    materializedViews: withContents(views, inOrder(filledViews, contents)),
    sequences: known.sequences,
    largeObjects,
    inventory,
    sessionValues: await readSessionValues(exporter),
  };
}

/** The fingerprint of a database as it is now, and the schema text that its digest was made of. */
export async function fingerprintDatabase(
  server: PostgresServer,
  database: string,
  options: FingerprintOptions,
): Promise<{ readonly fingerprint: Fingerprint; readonly schemaText: string }> {
  await using exporter = await server.connect(database, { applicationName: 'safe-migrate snapshot' });
  const snapshotId = await exportSnapshot(exporter);
  const sequences = await readSequences(exporter);
  const schemaText = readSchemaText(server, { database, snapshotId }, options.signal);
  // Awaited below; a failure of the other part must not leave this one unhandled.
  schemaText.catch(() => {});
  const fingerprint = await readFingerprint(server, exporter, snapshotId, { schemaText, sequences }, options);
  return { fingerprint, schemaText: await schemaText };
}

/** Begins the reading transaction that holds a snapshot and returns the id under which others can adopt it. */
export async function exportSnapshot(exporter: SqlSession): Promise<string> {
  await exporter.execute(beginReading);
  const [row] = await exporter.query(
    'SELECT pg_catalog.pg_export_snapshot() AS "snapshotId"',
    z.object({ snapshotId: z.string().regex(/^[0-9A-F-]+$/) }),
  );
  if (row === undefined) throw new TypeError('pg_export_snapshot() returned no row');
  return row.snapshotId;
}

const largeObjectFacts = z.object({ count: z.number(), sizeBytes: z.number() });

function withContents(
  views: readonly ViewState[],
  contents: readonly TableContent[],
): Fingerprint['materializedViews'] {
  return views.map((view) => {
    const content = contents.find(({ schema, table }) => schema === view.schema && table === view.name);
    return { ...view, rows: content?.rows ?? null, digest: content?.digest ?? null };
  });
}

/** Tables and large objects, biggest first: the last session to finish then has little left to do. */
async function readContents(
  server: PostgresServer,
  exporter: SqlSession,
  source: ExportedSnapshot,
  options: FingerprintOptions,
  shapes: readonly TableShape[],
): Promise<Pick<Fingerprint, 'largeObjects'> & { readonly contents: readonly TableContent[] }> {
  const [objects] = await exporter.query(
    `SELECT (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata) AS "count",
            pg_catalog.pg_table_size('pg_catalog.pg_largeobject') AS "sizeBytes"`,
    largeObjectFacts,
  );
  const slices = Math.min(Math.max(1, options.jobs), objects?.count ?? 0);

  const contents: TableContent[] = [];
  let done = 0;
  let largeObjectCount = 0;
  let largeObjectSum = 0n;
  const tasks: { readonly sizeBytes: number; readonly read: ReadingTask }[] = tableBatches(shapes).map(
    (batch) => ({
      sizeBytes: batch.sizeBytes,
      read: async (session) => {
        contents.push(...(await readBatch(session, batch.tables, options.form ?? 'columns')));
        done += batch.tables.length;
        options.onTable?.(done, shapes.length);
      },
    }),
  );
  for (let slice = 0; slice < slices; slice += 1) {
    tasks.push({
      sizeBytes: (objects?.sizeBytes ?? 0) / slices,
      read: async (session) => {
        const part = await namingWhatFailed('a large object', readLargeObjects(session, slice, slices));
        largeObjectCount += part.count;
        largeObjectSum += part.sum;
      },
    });
  }
  const bigFirst = tasks.toSorted((a, b) => b.sizeBytes - a.sizeBytes).map((task) => task.read);
  await readInSnapshot(server, source, bigFirst, options);

  return {
    contents,
    largeObjects: { count: largeObjectCount, digest: largeObjectSum.toString() },
  };
}
