import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Checkout } from '../system/checkout.ts';
import { type Problem, problemsOf, RefusedError, SafeMigrateError } from '../system/errors.ts';
import type { MigrationFile } from './migrator.ts';
import { flawOf } from './script-flaw.ts';

/**
 * Reads the migrations named `names` (in Prisma's order) from the folder that Prisma named.
 * Throws SM_MIGRATION_UNREADABLE for every script that is missing, SM_CHECKOUT_FILE for what may not be read, and SM_PRISMA_PROJECT when there is no
 * migration at all: `migrate deploy` would then say "No migration found" and succeed.
 */
export function readMigrations(
  checkout: Checkout,
  directory: string,
  names: readonly string[],
): readonly MigrationFile[] {
  if (names.length === 0) {
    throw new RefusedError(
      [
        {
          code: 'SM_PRISMA_PROJECT',
          message: `there is no migration in ${directory}`,
          hint: 'Check working-directory, prisma-schema and migrations.path in prisma.config.ts, and that the migrations are committed.',
        },
      ],
      { docs: 'prisma.md' },
    );
  }
  const problems: Problem[] = [];
  const files: MigrationFile[] = [];
  for (const name of names) {
    const path = join(directory, name, 'migration.sql');
    try {
      // Prisma reads the text as UTF-8 and digests that, so a file in another encoding has the same digest here.
      const bytes = checkout.readBytes(path);
      const script = bytes.toString('utf8');
      const flaw = flawOf(bytes);
      files.push({ name, path, checksums: checksumsOf(script), script, ...(flaw === null ? {} : { flaw }) });
    } catch (error) {
      if (error instanceof SafeMigrateError) {
        problems.push(...problemsOf(error));
        continue;
      }
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
      problems.push({
        code: 'SM_MIGRATION_UNREADABLE',
        message: `migration ${name} has no readable migration.sql (${reason})`,
        hint: 'Restore the file from version control, or remove the folder if it was never applied anywhere.',
      });
    }
  }
  if (problems.length > 0) throw new RefusedError(problems, { docs: 'prisma.md' });
  return files;
}

/**
 * The digests under which Prisma may have noted this script: git changes line ends between machines, and the engine
 * compares with LF and CRLF exchanged.
 */
export function checksumsOf(script: string): readonly string[] {
  const unix = script.replaceAll('\r\n', '\n');
  const variants = [script, unix, unix.replaceAll('\n', '\r\n')];
  return [...new Set(variants.map((text) => createHash('sha256').update(text, 'utf8').digest('hex')))];
}
