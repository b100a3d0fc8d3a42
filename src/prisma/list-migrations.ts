import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MigrationsList } from './capture-engine.ts';

/**
 * The list that Prisma's CLI hands to its engine from some 6.x on; before, it named only the folder and the engine
 * read it, in the way repeated here: every folder in it, by the bytes of its name. A missing folder is an empty one.
 */
export async function listMigrations(directory: string): Promise<MigrationsList> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const content = await readFile(join(directory, 'migration_lock.toml'), 'utf8').catch(() => null);
  return {
    baseDir: directory,
    lockfile: { content },
    migrationDirectories: names
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((path) => ({ path })),
  };
}
