import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SafeMigrateError } from '../system/errors.ts';

/** The project's own Prisma CLI. */
export interface PrismaInstallation {
  /** e.g. `7.10.1`. */
  readonly version: string;
  readonly major: number;
  /** Absolute path of the CLI's script, to be run with `process.execPath`. */
  readonly cliPath: string;
}

/**
 * Packages that may hold the CLI, in the order in which they are looked for. From 7.10 `@prisma/prisma7`
 * (bin `prisma7`) keeps v7 beside v8; it joins here when it is supported.
 */
const packages = [{ name: 'prisma', bin: 'prisma' }] as const;

const packageManifest = z.object({
  version: z.string(),
  bin: z.union([z.string(), z.record(z.string(), z.string())]),
});

/**
 * Finds the installed Prisma the way Node finds packages: `node_modules` of `workingDirectory` and of every folder
 * above it (npm, yarn's node-modules linker, pnpm's links, monorepos). Never falls back to `npx`: an unpinned
 * Prisma may be a major version that has no `migrate deploy`.
 *
 * Rejects with SM_PRISMA_MISSING, or with SM_PRISMA_UNSUPPORTED for versions that cannot be driven yet or any more.
 */
export async function locatePrisma(workingDirectory: string): Promise<PrismaInstallation> {
  for (const directory of selfAndParents(workingDirectory)) {
    for (const { name, bin } of packages) {
      const packageDirectory = join(directory, 'node_modules', name);
      const manifest = await readManifest(packageDirectory);
      if (manifest === null) continue;
      const script = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin];
      const major = Number(/^\d+/.exec(manifest.version)?.[0]);
      const refusal = refusalOf(manifest.version, major);
      if (refusal !== null) throw refusal;
      if (script === undefined) throw missing(workingDirectory);
      return { version: manifest.version, major, cliPath: join(packageDirectory, script) };
    }
  }
  throw missing(workingDirectory);
}

function* selfAndParents(directory: string): Generator<string> {
  yield directory;
  const parent = dirname(directory);
  if (parent !== directory) yield* selfAndParents(parent);
}

/** null when the package is not there; a half-installed one counts as not there. */
async function readManifest(packageDirectory: string): Promise<z.output<typeof packageManifest> | null> {
  let text: string;
  try {
    text = await readFile(join(packageDirectory, 'package.json'), 'utf8');
  } catch {
    return null;
  }
  try {
    return packageManifest.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function refusalOf(version: string, major: number): SafeMigrateError | null {
  if (major === 7) return null;
  if (major >= 8) {
    return new SafeMigrateError({
      code: 'SM_PRISMA_UNSUPPORTED',
      message: `prisma ${version} is installed; Prisma 8 has no \`migrate deploy\``,
      hint: 'Stay on prisma 7 for migrations (npm install --save-dev prisma@7); a later version of safe-migrate also finds @prisma/prisma7, which keeps Prisma 7 beside Prisma 8.',
      docs: 'prisma.md',
    });
  }
  return new SafeMigrateError({
    code: 'SM_PRISMA_UNSUPPORTED',
    message: `prisma ${version} is installed; safe-migrate works with Prisma 7`,
    hint:
      major >= 5
        ? 'Prisma 5 and 6 arrive with a later version; until then upgrade to prisma 7.'
        : 'Upgrade to prisma 7: npm install --save-dev prisma@7',
    docs: 'prisma.md',
  });
}

function missing(workingDirectory: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PRISMA_MISSING',
    message: `no installed prisma was found in ${workingDirectory} or the folders above it`,
    hint: "Install the project's packages before this step (npm ci, pnpm install --frozen-lockfile or yarn install --immutable with a node_modules linker), and check working-directory.",
    docs: 'prisma.md',
  });
}
