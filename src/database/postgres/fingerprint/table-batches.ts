import type { TableContent } from '../../database.ts';
import type { DigestForm } from '../../row-digest.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { namingWhatFailed } from './read-failed.ts';
import { readTableContent, readTableContents, type TableShape, tableKey } from './table-content.ts';

/** Tables that are read by one statement. */
interface TableBatch {
  readonly tables: readonly TableShape[];
  readonly sizeBytes: number;
}

/** A larger table is read alone, and a batch ends here: all sessions have work to the end, and progress is seen. */
const mostBytes = 4 * 1024 * 1024;
const mostTables = 100;
/** Keeps statements below some 200 kB. */
const mostColumns = 1500;

/**
 * Puts small tables together: with thousands of them, and a server some milliseconds away, one question for each
 * would take longer than reading them all.
 */
export function tableBatches(shapes: readonly TableShape[]): readonly TableBatch[] {
  const batches: TableBatch[] = [];
  let tables: TableShape[] = [];
  let columns = 0;
  let bytes = 0;
  const finish = (): void => {
    if (tables.length > 0) batches.push(batchOf(tables));
    tables = [];
    columns = 0;
    bytes = 0;
  };
  for (const shape of shapes) {
    if (shape.sizeBytes > mostBytes) {
      batches.push(batchOf([shape]));
      continue;
    }
    const isFull =
      tables.length === mostTables ||
      columns + shape.columns.length > mostColumns ||
      bytes + shape.sizeBytes > mostBytes;
    if (isFull) finish();
    tables.push(shape);
    columns += shape.columns.length;
    bytes += shape.sizeBytes;
  }
  finish();
  return batches;
}

function batchOf(tables: readonly TableShape[]): TableBatch {
  return { tables, sizeBytes: tables.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/**
 * Reads a batch in the session's open transaction. Rejects with SM_READ_FAILED and the name of the table: when the
 * statement for all of them fails, they are read one by one.
 */
export async function readBatch(
  session: SqlSession,
  tables: readonly TableShape[],
  form: DigestForm,
): Promise<readonly TableContent[]> {
  if (tables.length > 1) {
    await session.execute('SAVEPOINT batch');
    try {
      return await readTableContents(session, tables, form);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      await session.execute('ROLLBACK TO SAVEPOINT batch');
    }
  }
  const contents: TableContent[] = [];
  for (const shape of tables) {
    contents.push(
      await namingWhatFailed(`table ${shape.schema}.${shape.table}`, readTableContent(session, shape, form)),
    );
  }
  return contents;
}

/** The contents of these tables, in their order, whichever was read first. */
export function inOrder(
  shapes: readonly TableShape[],
  contents: readonly TableContent[],
): readonly TableContent[] {
  const place = new Map(shapes.map((shape, index) => [tableKey(shape), index]));
  return contents
    .filter((content) => place.has(tableKey(content)))
    .toSorted((a, b) => (place.get(tableKey(a)) ?? 0) - (place.get(tableKey(b)) ?? 0));
}
