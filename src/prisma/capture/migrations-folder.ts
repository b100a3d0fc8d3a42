import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Problem, RefusedError } from '../../system/errors.ts';
import type { PrismaProject } from '../project/prisma-command.ts';
import { textOf } from './list-migrations.ts';

const configNames = [
  ...['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].flatMap((ending) => [
    `prisma.config.${ending}`,
    `prisma7.config.${ending}`,
  ]),
  ...['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((ending) => `.config/prisma.${ending}`),
];
const manifest = z.object({ prisma: z.object({ schema: z.string() }) });

interface FoundMigrations {
  readonly directory: string;
  readonly names: readonly string[];
  /** The schema's file or folder; null where it cannot be known. */
  readonly schemaPath: string | null;
}

interface PlainConfig {
  readonly schemaPath: string | null;
  readonly migrationsPath: string | null;
}

/**
 * Finds the migrations where no Prisma is installed that could be asked: the folder that `migrations.path` of a config
 * names as a plain text, else `migrations` beside the schema (of `prisma-schema`, of that config, of
 * package.json, or in one of Prisma's own two places). Rejects with SM_PRISMA_PROJECT when that is no folder or cannot be known.
 */
export async function findMigrations(project: PrismaProject): Promise<FoundMigrations> {
  const config = readConfig(project);
  const { workingDirectory } = project;
  const schema = project.schemaPath ?? config?.schemaPath ?? schemaOfPackage(project);
  const directory = await findFolder(workingDirectory, config, schema);
  const entries = project.checkout.list(directory);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return { directory, names: names.toSorted(), schemaPath: schema ?? (await usualSchema(workingDirectory)) };
}

async function findFolder(
  workingDirectory: string,
  config: PlainConfig | null,
  schema: string | null,
): Promise<string> {
  const configured = config?.migrationsPath ?? null;
  const candidates =
    configured !== null
      ? [configured]
      : schema !== null
        ? [join(await folderOf(schema), 'migrations')]
        : [join(workingDirectory, 'prisma', 'migrations'), join(workingDirectory, 'migrations')];
  for (const candidate of candidates) if (await isFolder(candidate)) return candidate;
  throw refused(
    `the migrations were looked for in ${candidates.join(' and ')}, and there is no such folder`,
    'Give prisma-schema (the migrations stand beside it), or install the project’s Prisma in a step before, which knows where they are.',
  );
}

/** What the project's config says as plain texts; null when there is none. */
function readConfig(project: PrismaProject): PlainConfig | null {
  const paths =
    project.configPath === null
      ? configNames.map((name) => join(project.workingDirectory, name))
      : [project.configPath];
  for (const path of paths) {
    const text = textOf(project.checkout, path);
    if (text === null) continue;
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    const schema = /\bschema\s*:\s*(['"`])([^'"`$]+)\1/.exec(code)?.[2];
    return {
      schemaPath: schema === undefined ? null : resolve(dirname(path), schema),
      migrationsPath: folderOfConfig(path, code),
    };
  }
  return null;
}

/** null when the config says nothing about it. */
function folderOfConfig(path: string, code: string): string | null {
  if (!/\bmigrations\s*:/.test(code)) return null;
  const block = /\bmigrations\s*:\s*\{([^{}]*)\}/.exec(code)?.[1];
  if (block !== undefined && !/\bpath\b/.test(block)) return null;
  const folder = /\bpath\s*:\s*(['"`])([^'"`$]+)\1/.exec(block ?? '')?.[2];
  if (folder !== undefined) return resolve(dirname(path), folder);
  throw refused(
    `migrations.path in ${path} is computed, and no Prisma is installed here that could be asked for it`,
    'Write the path as a plain text, or install the project’s Prisma in a step before.',
  );
}

/** Where Prisma looks by itself. */
async function usualSchema(workingDirectory: string): Promise<string | null> {
  for (const path of [
    join(workingDirectory, 'prisma', 'schema.prisma'),
    join(workingDirectory, 'schema.prisma'),
  ]) {
    if ((await stat(path).catch(() => null)) !== null) return path;
  }
  return null;
}

function schemaOfPackage({ checkout, workingDirectory }: PrismaProject): string | null {
  const text = textOf(checkout, join(workingDirectory, 'package.json'));
  try {
    return resolve(workingDirectory, manifest.parse(JSON.parse(text ?? '')).prisma.schema);
  } catch {
    return null;
  }
}

async function folderOf(schemaPath: string): Promise<string> {
  return (await isFolder(schemaPath)) ? schemaPath : dirname(schemaPath);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function refused(message: string, hint: string): RefusedError {
  const problem: Problem = { code: 'SM_PRISMA_PROJECT', message, hint };
  return new RefusedError([problem], { docs: 'prisma.md' });
}
