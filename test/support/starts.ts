import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const preload = fileURLToPath(new URL('./log-starts.cjs', import.meta.url));

/** Counts what the action starts: each start of Prisma's CLI takes a second, each psql in a container half of one. */
export interface Starts {
  /** For the run whose starts are to be written down. */
  readonly env: Readonly<Record<string, string>>;
  /** Every process that main and post started themselves, in order: `prisma migrate status`, `psql`, `pg_dump --version`, … */
  list(): Promise<readonly string[]>;
}

/** `folder` is a folder of the test's own. */
export function writeDownStarts(folder: string): Starts {
  const file = join(folder, 'starts');
  return {
    env: { NODE_OPTIONS: `--require ${preload}`, SAFE_MIGRATE_TEST_STARTS: file },
    list: async () => (await readFile(file, 'utf8')).trimEnd().split('\n'),
  };
}

/** Those of Prisma's CLI. */
export function prismaStarts(starts: readonly string[]): readonly string[] {
  return starts.filter((start) => start.startsWith('prisma '));
}

/** How many sessions psql opened before the first dump began. */
export function sessionsBeforeDump(starts: readonly string[]): number {
  const dump = starts.indexOf('pg_dump');
  return starts.slice(0, dump === -1 ? undefined : dump).filter((start) => start === 'psql').length;
}
