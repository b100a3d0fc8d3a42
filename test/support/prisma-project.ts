import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const installedPrisma = fileURLToPath(new URL('../../node_modules/prisma', import.meta.url));

const defaultSchema = `datasource db {
  provider = "postgresql"
}
`;

const defaultConfig = `import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  datasource: { url: process.env['DATABASE_URL'] },
});
`;

export interface PrismaProject {
  readonly directory: string;
  readonly schemaPath: string;
  readonly migrationsDirectory: string;
  /** Adds a migration or replaces its script. */
  writeMigration(name: string, sql: string): Promise<void>;
  removeMigration(name: string): Promise<void>;
}

/**
 * A Prisma 7 project in `directory` (made when missing): schema, `prisma.config.ts` that reads DATABASE_URL,
 * migrations with their lock file, and a `node_modules` in which Node finds this repository's prisma.
 */
export async function createPrismaProject(
  directory: string,
  options: {
    /** migration.sql by folder name. */
    readonly migrations: Readonly<Record<string, string>>;
    /** schema.prisma; default: a PostgreSQL datasource and no model. */
    readonly schemaPrisma?: string;
    /** prisma.config.ts; null: none. */
    readonly config?: string | null;
    /** Provider in migration_lock.toml; default `postgresql`. */
    readonly lockProvider?: string;
  },
): Promise<PrismaProject> {
  const schemaPath = join(directory, 'prisma', 'schema.prisma');
  const migrationsDirectory = join(directory, 'prisma', 'migrations');
  await mkdir(migrationsDirectory, { recursive: true });
  await mkdir(join(directory, 'node_modules'), { recursive: true });
  await symlink(installedPrisma, join(directory, 'node_modules', 'prisma'));
  await writeFile(join(directory, 'package.json'), '{ "name": "project", "private": true }\n');
  await writeFile(schemaPath, options.schemaPrisma ?? defaultSchema);
  if (options.config !== null) {
    await writeFile(join(directory, 'prisma.config.ts'), options.config ?? defaultConfig);
  }
  await writeFile(
    join(migrationsDirectory, 'migration_lock.toml'),
    `provider = "${options.lockProvider ?? 'postgresql'}"\n`,
  );
  const project: PrismaProject = {
    directory,
    schemaPath,
    migrationsDirectory,
    async writeMigration(name, sql) {
      await mkdir(join(migrationsDirectory, name), { recursive: true });
      await writeFile(join(migrationsDirectory, name, 'migration.sql'), sql);
    },
    async removeMigration(name) {
      await rm(join(migrationsDirectory, name), { recursive: true });
    },
  };
  for (const [name, sql] of Object.entries(options.migrations)) await project.writeMigration(name, sql);
  return project;
}
