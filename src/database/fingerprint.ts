import type { Inventory } from './inventory.ts';

export interface TableContent {
  readonly schema: string;
  readonly table: string;
  readonly rows: number;
  /** Order-free digest of the rows (row-digest.ts); comparable only between equal server majors, and in one form. */
  readonly digest: string;
  /** The extension that the table belongs to; null for the user's own. */
  readonly extension: string | null;
}

/** What a database holds. JSON-safe; part of the manifest. */
export interface Fingerprint {
  readonly serverMajor: number;
  /** SHA-256 over the sorted entries of the schema-only dump. */
  readonly schemaDigest: string;
  readonly extensions: readonly {
    readonly name: string;
    readonly version: string;
    readonly schema: string;
    /** null: the superuser of initdb. Not known of backups of earlier versions. */
    readonly owner?: string | null | undefined;
  }[];
  /** Sorted by schema, table. */
  readonly tables: readonly TableContent[];
  readonly materializedViews: readonly {
    readonly schema: string;
    readonly name: string;
    readonly populated: boolean;
    /** As stored; null where it holds nothing, cannot be read, or an older version did not look. */
    readonly rows: number | null;
    readonly digest: string | null;
  }[];
  readonly sequences: readonly {
    readonly schema: string;
    readonly name: string;
    /** Decimal text: a bigint. */
    readonly lastValue: string;
    readonly isCalled: boolean;
    /** The extension that the sequence belongs to; null for the user's own. */
    readonly extension: string | null;
  }[];
  /**
   * What a new session gets for the parameters that change results, wherever the values come from: what was computed
   * here was computed under them. Not known of backups of earlier versions.
   */
  readonly sessionValues?: Readonly<Record<string, string>> | undefined;
  readonly largeObjects: { readonly count: number; readonly digest: string };
  /** Every object by its catalogs; null in backups of versions that did not look. */
  readonly inventory: Inventory | null;
}
