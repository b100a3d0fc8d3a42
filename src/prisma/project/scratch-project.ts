import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Checkout } from '../../system/checkout.ts';
import { makeTemporaryFolder } from '../../system/temporary-folder.ts';
import type { PrismaProject } from './prisma-command.ts';
import type { PrismaTraits } from './version-traits.ts';

/** Environment variables by which a scratch project learns its URLs: they never stand in a file or an argument. */
export const scratchUrlVariable = 'SAFE_MIGRATE_SCRATCH_URL';
export const shadowUrlVariable = 'SAFE_MIGRATE_SHADOW_URL';

/** A Prisma project of our own in a temporary folder, so that no config of the user's can lead Prisma elsewhere. */
interface ScratchProject extends AsyncDisposable, PrismaProject {
  readonly schemaPath: string;
  readonly migrationsDirectory: string;
  writeMigration(name: string, script: string): Promise<void>;
}

/**
 * Makes a project for this version of Prisma whose URL comes from `scratchUrlVariable`, holding copies of the
 * migrations `names` of `source`. Up to 6 the schema names the URL, from 7 on a config does (which must not import
 * anything: there is no node_modules).
 */
export async function makeScratchProject(
  traits: PrismaTraits,
  source: {
    readonly migrationsDirectory: string;
    readonly names: readonly string[];
    /** Schemas of the database that Prisma is to look at; empty: the URL's alone. */
    readonly schemas: readonly string[];
    readonly checkout: Checkout;
  } | null = null,
): Promise<ScratchProject> {
  const directory = await makeTemporaryFolder('safe-migrate-scratch-');
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const schemaPath = join(directory, 'schema.prisma');
    const migrationsDirectory = join(directory, 'migrations');
    const configPath = traits.urlInSchema ? null : join(directory, 'prisma.config.mjs');
    await writeFile(schemaPath, datasource(traits, source?.schemas ?? []));
    if (configPath !== null) await writeFile(configPath, config(schemaPath, migrationsDirectory));
    await mkdir(migrationsDirectory);
    await writeFile(join(migrationsDirectory, 'migration_lock.toml'), 'provider = "postgresql"\n');
    const placeFor = async (name: string): Promise<string> => {
      await mkdir(join(migrationsDirectory, name), { recursive: true });
      return join(migrationsDirectory, name, 'migration.sql');
    };
    for (const name of source?.names ?? []) {
      const script = source?.checkout.readText(join(source.migrationsDirectory, name, 'migration.sql'));
      await writeFile(await placeFor(name), script ?? '');
    }
    return {
      workingDirectory: directory,
      schemaPath,
      configPath,
      checkout: new Checkout([directory]),
      migrationsDirectory,
      writeMigration: async (name, script) => writeFile(await placeFor(name), script),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

function datasource(traits: PrismaTraits, schemas: readonly string[]): string {
  const url = traits.urlInSchema ? `\n  url = env("${scratchUrlVariable}")` : '';
  const list = schemas.length === 0 ? '' : `\n  schemas = ${JSON.stringify(schemas)}`;
  // Several schemas are a preview feature up to 6.12, and the generator that turns it on is never run.
  const generator =
    schemas.length > 0 && traits.urlInSchema
      ? 'generator client {\n  provider = "prisma-client-js"\n  previewFeatures = ["multiSchema"]\n}\n\n'
      : '';
  return `${generator}datasource db {\n  provider = "postgresql"${url}${list}\n}\n`;
}

const config = (schemaPath: string, migrationsDirectory: string): string => `export default {
  schema: ${JSON.stringify(schemaPath)},
  migrations: { path: ${JSON.stringify(migrationsDirectory)} },
  datasource: { url: process.env.${scratchUrlVariable}, shadowDatabaseUrl: process.env.${shadowUrlVariable} },
};
`;
