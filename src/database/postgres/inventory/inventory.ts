import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Inventory } from '../../inventory.ts';

/** One object of a database, by name, with what its catalogs say of it in a normal form. */
export interface InventoryObject {
  /** e.g. `table`, `trigger`, `member of extension`. */
  readonly kind: string;
  /** Unique within its kind. */
  readonly name: string;
  /** The extension that it belongs to, or whose table it hangs on; null for the user's own. */
  readonly extension: string | null;
  /** By column of the catalog; what is empty, false or 0 is left out. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Grows whenever more is compared, or otherwise: a later version then knows what an older proof covered. */
const inventoryVersion = 1;

/** Far more than 100 000 tables need. */
const maximumBytes = 1024 ** 3;

const lineSchema = z.tuple([z.string(), z.string(), z.string().nullable(), z.record(z.string(), z.string())]);

export function inventoryOf(objects: readonly InventoryObject[]): Inventory {
  const counts: Record<string, number> = {};
  for (const { kind } of objects) counts[kind] = (counts[kind] ?? 0) + 1;
  const lines = objects.map(({ kind, name, extension, facts }) =>
    JSON.stringify([kind, name, extension, facts]),
  );
  return {
    version: inventoryVersion,
    counts: Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    packed: gzipSync(lines.toSorted().join('\n'), { level: 6 }).toString('base64'),
  };
}

/** Throws when it is not what `inventoryOf` made. */
export function objectsOf(inventory: Inventory): readonly InventoryObject[] {
  const text = gunzipSync(Buffer.from(inventory.packed, 'base64'), {
    maxOutputLength: maximumBytes,
  }).toString('utf8');
  if (text === '') return [];
  return text.split('\n').map((line) => {
    const [kind, name, extension, facts] = lineSchema.parse(JSON.parse(line));
    return { kind, name, extension, facts };
  });
}
