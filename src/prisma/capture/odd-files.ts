import { join } from 'node:path';
import { type Problem, problemsOf, RefusedError, SafeMigrateError } from '../../system/errors.ts';
import type { PrismaProject } from '../project/prisma-command.ts';
import { findMigrations } from './migrations-folder.ts';

/**
 * Refuses a project whose schema or migrations are no plain files of the repository, before Prisma reads them: it follows
 * links wherever they lead, also to where there is no end, and prints what it does not understand. What only a computed
 * config names is not seen here; that is refused when we read it. Rejects with SM_CHECKOUT_FILE.
 */
export async function refuseOddFiles(project: PrismaProject): Promise<void> {
  const { checkout } = project;
  const problems: Problem[] = [];
  const attempt = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      if (error instanceof SafeMigrateError) problems.push(...problemsOf(error));
    }
  };
  const found = await findMigrations(project).catch((error: unknown) => {
    if (!(error instanceof SafeMigrateError)) throw error;
    // Prisma may find them where we do not.
    problems.push(...problemsOf(error).filter(({ code }) => code === 'SM_CHECKOUT_FILE'));
    return null;
  });
  if (found !== null) {
    const { directory, schemaPath } = found;
    // Links to folders as well: Prisma may take them for migrations.
    const scripts = checkout.list(directory).map(({ name }) => join(directory, name, 'migration.sql'));
    for (const path of [...scripts, join(directory, 'migration_lock.toml')])
      attempt(() => checkout.refuseUnlessFile(path));
    if (schemaPath !== null) attempt(() => refuseOddSchema(project, schemaPath));
  }
  if (problems.length > 0) throw new RefusedError(problems, { docs: 'security.md' });
}

/** A file, or a folder of them. */
function refuseOddSchema({ checkout }: PrismaProject, path: string): void {
  let entries: ReturnType<typeof checkout.list>;
  try {
    entries = checkout.list(path);
  } catch (error) {
    if (error instanceof SafeMigrateError) throw error;
    checkout.refuseUnlessFile(path);
    return;
  }
  for (const { name } of entries) {
    if (name.endsWith('.prisma')) checkout.refuseUnlessFile(join(path, name));
  }
}
