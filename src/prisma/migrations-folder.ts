import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Problem, RefusedError } from '../system/errors.ts';
import type { PrismaProject } from './prisma-command.ts';

const configNames = [
  ...['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].flatMap((ending) => [
    `prisma.config.${ending}`,
    `prisma7.config.${ending}`,
  ]),
  ...['ts', 'mts', 'cts', 'js', 'mjs', 'cjs'].map((ending) => `.config/prisma.${ending}`),
];
const manifest = z.object({ prisma: z.object({ schema: z.string() }) });

/**
 * Finds the migrations where no Prisma is installed that could be asked: the folder that `migrations.path` of a config
 * names as a plain text, else `migrations` beside the schema (of `prisma-schema`, of package.json, or in one of
 * Prisma's own two places). Rejects with SM_PRISMA_PROJECT when that is no folder or cannot be known.
 */
export async function findMigrations(
  project: PrismaProject,
): Promise<{ readonly directory: string; readonly names: readonly string[] }> {
  const directory = await findFolder(project);
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return { directory, names: names.toSorted() };
}

async function findFolder(project: PrismaProject): Promise<string> {
  const configured = await folderOfConfig(project);
  const { workingDirectory } = project;
  const schema = project.schemaPath ?? (await schemaOfPackage(workingDirectory));
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

/** null when no config says anything about it. */
async function folderOfConfig(project: PrismaProject): Promise<string | null> {
  const paths =
    project.configPath === null
      ? configNames.map((name) => join(project.workingDirectory, name))
      : [project.configPath];
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) continue;
    const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
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
  return null;
}

async function schemaOfPackage(directory: string): Promise<string | null> {
  try {
    const text = await readFile(join(directory, 'package.json'), 'utf8');
    return resolve(directory, manifest.parse(JSON.parse(text)).prisma.schema);
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
