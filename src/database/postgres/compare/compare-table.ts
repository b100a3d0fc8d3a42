import type { TableDifference } from '../../../report/report.ts';
import type { PhaseLog } from '../../../report/run-log.ts';
import type { TableContent } from '../../database.ts';
import { formOfDigest } from '../../row-digest.ts';
import { readTableContent } from '../fingerprint/table-content.ts';
import type { PostgresServer } from '../server/server.ts';
import { type ComparableTable, commonColumns, commonKey, sameColumns } from './comparable-tables.ts';
import { type ComparedSide, compareRows, sampleLimit } from './compare-rows.ts';
import { countRows, type HashedRows, readKeys } from './row-hashes.ts';

/** A table in either database or both. */
export interface TablePair {
  readonly failed: ComparableTable | undefined;
  readonly target: ComparableTable | undefined;
}

/** Compares one table after the other in one pair of sessions. */
export class TableComparer {
  readonly #server: PostgresServer;
  readonly #failed: ComparedSide;
  readonly #target: ComparedSide;
  readonly #olderThanSwap: string;
  readonly #log: PhaseLog;

  constructor(
    server: PostgresServer,
    failed: ComparedSide,
    target: ComparedSide,
    xidAtSwap: number,
    log: PhaseLog,
  ) {
    this.#server = server;
    this.#failed = failed;
    this.#target = target;
    this.#olderThanSwap = olderThan(xidAtSwap);
    this.#log = log;
  }

  /** null when the table holds the same in both. */
  async compare(pair: TablePair, before: TableContent | undefined): Promise<TableDifference | null> {
    if (pair.failed === undefined) return pair.target === undefined ? null : this.#onlyInTarget(pair.target);
    if (pair.target === undefined) return this.#onlyInFailed(pair.failed);
    return this.#inBoth(pair.failed, pair.target, before);
  }

  async #onlyInTarget(table: ComparableTable): Promise<TableDifference | null> {
    const rows = this.#rows(table, [], [], this.#olderThanSwap);
    const onlyInTarget = await countRows(this.#target.session, rows);
    if (onlyInTarget === 0) return null;
    return { ...nameOf(table), onlyInFailed: 0, changed: 0, onlyInTarget, key: [], sampleKeys: [] };
  }

  async #onlyInFailed(table: ComparableTable): Promise<TableDifference | null> {
    const key = table.keys[0] ?? [];
    const rows = this.#rows(table, key, [], null);
    const onlyInFailed = await countRows(this.#failed.session, rows);
    if (onlyInFailed === 0) return null;
    const sampleKeys = await readKeys(this.#failed.session, rows, null, sampleLimit);
    return { ...nameOf(table), onlyInFailed, changed: 0, onlyInTarget: 0, key, sampleKeys };
  }

  async #inBoth(
    failed: ComparableTable,
    target: ComparableTable,
    before: TableContent | undefined,
  ): Promise<TableDifference | null> {
    if (before !== undefined && sameColumns(failed, target)) {
      // The backup's own digest is known, and it is what the target held at the swap: one table to read, not two.
      const columns = failed.columns.map(({ name }) => name);
      const shape = { ...nameOf(failed), columns, extension: null };
      const now = await readTableContent(this.#failed.session, shape, formOfDigest(before.digest));
      if (now.rows === before.rows && now.digest === before.digest) return null;
    }
    const columns = commonColumns(failed, target);
    const key = commonKey(target, failed, columns);
    const { targetRowCount, ...found } = await compareRows({
      server: this.#server,
      failed: this.#failed,
      target: this.#target,
      failedRows: this.#rows(failed, key, columns, null),
      targetRows: this.#rows(target, key, columns, this.#olderThanSwap),
      expectedRows: before?.rows ?? 0,
    });
    if (found.onlyInFailed + found.changed + found.onlyInTarget === 0) return null;
    const touched = (before?.rows ?? targetRowCount) - targetRowCount;
    if (touched > 0) {
      this.#log.detail(
        `${failed.schema}.${failed.table}: the application has changed or deleted ${touched} rows since the swap; they are counted as only in the failed database`,
      );
    }
    return { ...nameOf(failed), ...found, key };
  }

  #rows(
    table: ComparableTable,
    key: readonly string[],
    columns: readonly string[],
    only: string | null,
  ): HashedRows {
    return { ...nameOf(table), key, columns, only };
  }
}

function nameOf({ schema, table }: ComparableTable): { readonly schema: string; readonly table: string } {
  return { schema, table };
}

/**
 * SQL condition: the row's inserting transaction precedes `xid`. Ids count round after 2^32; as the server does, the
 * half of them behind `xid` is taken for older. Below 3 stand the special ids of what was always there. A row that
 * was frozen since shows its xmin as before.
 */
export function olderThan(xid: number): string {
  const xmin = 'q.xmin::text::bigint';
  return `(${xmin} < 3 OR ((${xmin} - ${xid}) & 4294967295) >= 2147483648)`;
}
