import { join } from 'node:path';
import type { Checkout } from '../../system/checkout.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import type { MigrationsList } from './capture-engine.ts';

/**
 * The list that Prisma's CLI hands to its engine from some 6.x on; before, it named only the folder and the engine
 * read it, in the way repeated here: every folder in it, by the bytes of its name. A missing folder is an empty one.
 */
export function listMigrations(checkout: Checkout, directory: string): MigrationsList {
  const entries = orNull(() => checkout.list(directory)) ?? [];
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const content = textOf(checkout, join(directory, 'migration_lock.toml'));
  return {
    baseDir: directory,
    lockfile: { content },
    migrationDirectories: names
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((path) => ({ path })),
  };
}

/** The text of a file; null when it is not there. What may not be read is no missing file. */
export function textOf(checkout: Checkout, path: string): string | null {
  return bytesOf(checkout, path)?.toString('utf8') ?? null;
}

/** The same, as it lies on the disk. */
export function bytesOf(checkout: Checkout, path: string): Buffer | null {
  return orNull(() => checkout.readBytes(path));
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof SafeMigrateError) throw error;
    return null;
  }
}
