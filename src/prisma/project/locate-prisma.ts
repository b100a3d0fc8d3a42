import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readInstalledText } from '../../system/checkout.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import {
  type PrismaTraits,
  parseVersion,
  supportedMajors,
  traitsOf,
  versionProblem,
} from './version-traits.ts';

/** The project's own Prisma CLI. */
export interface PrismaInstallation {
  /** e.g. `7.10.1`. */
  readonly version: string;
  readonly major: number;
  readonly traits: PrismaTraits;
  /** Absolute path of the CLI's script, to be run with `process.execPath`. */
  readonly cliPath: string;
}

/** Packages that hold a CLI, and the name of its command. */
const binOf = { prisma: 'prisma', '@prisma/prisma7': 'prisma7' } as const;

const packageManifest = z.object({
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]),
});

/**
 * Finds the installed Prisma the way Node finds packages: `node_modules` of `workingDirectory` and of every folder
 * above it (npm, yarn's node-modules linker, pnpm's links, monorepos). Where the nearest `prisma` is version 8 or
 * later, or there is none, `@prisma/prisma7` is taken, which keeps Prisma 7 beside it. Never falls back to `npx`: an
 * unpinned Prisma may be a major version that has no `migrate deploy`.
 *
 * Rejects with SM_PRISMA_MISSING, or with SM_PRISMA_UNSUPPORTED for versions that cannot be driven.
 */
export async function locatePrisma(workingDirectory: string): Promise<PrismaInstallation> {
  const prisma = await nearestPackage(workingDirectory, 'prisma');
  const isSuperseded = prisma !== null && parseVersion(prisma.version).major > supportedMajors.newest;
  const kept =
    prisma === null || isSuperseded ? await nearestPackage(workingDirectory, '@prisma/prisma7') : null;
  const found = kept ?? prisma;
  if (found === null) throw missing(workingDirectory);
  const problem = versionProblem(found.name, found.version);
  if (problem !== null) throw problem;
  return {
    version: found.version,
    major: parseVersion(found.version).major,
    traits: traitsOf(found.version),
    cliPath: found.cliPath,
  };
}

interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly cliPath: string;
}

async function nearestPackage(
  workingDirectory: string,
  name: keyof typeof binOf,
): Promise<InstalledPackage | null> {
  for (const directory of selfAndParents(workingDirectory)) {
    const packageDirectory = join(directory, 'node_modules', name);
    const manifest = readManifest(packageDirectory);
    if (manifest === null) continue;
    const { bin, version } = manifest;
    const script = typeof bin === 'string' ? bin : bin[binOf[name]];
    if (script === undefined) return null;
    return { name, version, cliPath: join(packageDirectory, script) };
  }
  return null;
}

function* selfAndParents(directory: string): Generator<string> {
  yield directory;
  const parent = dirname(directory);
  if (parent !== directory) yield* selfAndParents(parent);
}

/** null when the package is not there; a half-installed one counts as not there. */
function readManifest(packageDirectory: string): z.output<typeof packageManifest> | null {
  let text: string;
  try {
    text = readInstalledText(join(packageDirectory, 'package.json'));
  } catch {
    return null;
  }
  try {
    return packageManifest.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function missing(workingDirectory: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PRISMA_MISSING',
    message: `no installed prisma was found in ${workingDirectory} or the folders above it`,
    hint: "Install the project's packages before this step (npm ci, pnpm install --frozen-lockfile or yarn install --immutable with a node_modules linker), and check working-directory.",
    docs: 'prisma.md',
  });
}
