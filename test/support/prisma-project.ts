import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needTestPart } from './needed-parts.ts';

/** Versions that projects under test can have: 5.22, 6.19, 7.10, and 7.10 as `@prisma/prisma7` beside a Prisma 8. */
export type PrismaChoice = '5' | '6' | '7' | 'prisma7';

const packageFolder = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const installedPackages = {
  '5': { prisma: packageFolder('test/parts/node_modules/prisma-5') },
  '6': { prisma: packageFolder('test/parts/node_modules/prisma-6') },
  '7': { prisma: packageFolder('node_modules/prisma') },
  prisma7: { '@prisma/prisma7': packageFolder('node_modules/@prisma/prisma7') },
} as const satisfies Record<PrismaChoice, Readonly<Record<string, string>>>;

/** The CLI's script inside of the project. */
export function prismaCliOf(choice: PrismaChoice, directory: string): string {
  const script = choice === 'prisma7' ? '@prisma/prisma7/build/prisma7.js' : 'prisma/build/index.js';
  return join(directory, 'node_modules', script);
}

const schemas = {
  config: 'datasource db {\n  provider = "postgresql"\n}\n',
  schema: 'datasource db {\n  provider = "postgresql"\n  url      = env("DATABASE_URL")\n}\n',
};

const configReading = (packageName: string): string => `import { defineConfig } from '${packageName}/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  datasource: { url: process.env['DATABASE_URL'] },
});
`;

/** What such a project usually looks like: the URL's place, and the config's name and content. */
const layouts = {
  '5': { schema: schemas.schema, config: null },
  '6': { schema: schemas.schema, config: null },
  '7': { schema: schemas.config, config: ['prisma.config.ts', configReading('prisma')] },
  prisma7: { schema: schemas.config, config: ['prisma7.config.ts', configReading('@prisma/prisma7')] },
} as const satisfies Record<PrismaChoice, unknown>;

export interface PrismaProject {
  readonly directory: string;
  readonly schemaPath: string;
  readonly migrationsDirectory: string;
  /** Adds a migration or replaces its script. */
  writeMigration(name: string, sql: string): Promise<void>;
  removeMigration(name: string): Promise<void>;
}

/**
 * A Prisma project in `directory` (made when missing): schema or `prisma.config.ts` that reads DATABASE_URL,
 * migrations with their lock file, and a `node_modules` in which Node finds the chosen Prisma.
 */
export async function createPrismaProject(
  directory: string,
  options: {
    /** migration.sql by folder name. */
    readonly migrations: Readonly<Record<string, string>>;
    /** Default: Prisma 7. */
    readonly prisma?: PrismaChoice;
    /** schema.prisma; default: a PostgreSQL datasource and no model. */
    readonly schemaPrisma?: string;
    /** prisma.config.ts; null: none; default: what the version needs. */
    readonly config?: string | null;
    /** Provider in migration_lock.toml; default `postgresql`. */
    readonly lockProvider?: string;
  },
): Promise<PrismaProject> {
  const schemaPath = join(directory, 'prisma', 'schema.prisma');
  const migrationsDirectory = join(directory, 'prisma', 'migrations');
  await mkdir(migrationsDirectory, { recursive: true });
  await mkdir(join(directory, 'node_modules'), { recursive: true });
  const choice = options.prisma ?? '7';
  const layout = layouts[choice];
  await installPrisma(choice, join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{ "name": "project", "private": true }\n');
  await writeFile(schemaPath, options.schemaPrisma ?? layout.schema);
  const [configName, configText] = layout.config ?? ['prisma.config.ts', null];
  const config = options.config === undefined ? configText : options.config;
  if (config !== null) await writeFile(join(directory, configName), config);
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

async function installPrisma(choice: PrismaChoice, nodeModules: string): Promise<void> {
  for (const [name, folder] of Object.entries(installedPackages[choice])) {
    needTestPart(folder);
    await mkdir(dirname(join(nodeModules, name)), { recursive: true });
    await symlink(folder, join(nodeModules, name));
  }
  if (choice !== 'prisma7') return;
  const manifest = { name: 'prisma', version: '8.0.0', bin: { prisma: 'must-not-run.js' } };
  await mkdir(join(nodeModules, 'prisma'));
  await writeFile(join(nodeModules, 'prisma', 'package.json'), JSON.stringify(manifest));
}
