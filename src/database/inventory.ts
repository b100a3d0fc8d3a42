/** What a database holds by its catalogs, object by object. JSON-safe; part of the manifest. */
export interface Inventory {
  /** Grows whenever more is compared, or otherwise: a later version then knows what an older proof covered. */
  readonly version: number;
  /** Number of objects by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** The objects, a JSON array a line, in a fixed order: gzip, base64. */
  readonly packed: string;
}
