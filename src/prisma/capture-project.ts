import { readFile } from 'node:fs/promises';
import { secretsIn } from '../database/postgres/url-secrets.ts';
import { type Problem, RefusedError, SafeMigrateError } from '../system/errors.ts';
import { Secret } from '../system/secret.ts';
import { openCaptureEngine } from './capture-engine.ts';
import type { PrismaInstallation } from './locate-prisma.ts';
import { readableText } from './printed-text.ts';
import { type PrismaProject, runPrisma } from './prisma-command.ts';

/** What Migrate will really use, as Prisma itself worked it out from config, schema and environment. */
export interface CapturedProject {
  readonly url: Secret;
  /** Absolute paths of the schema's files. */
  readonly schemaFiles: readonly string[];
  readonly migrationsDirectory: string;
  /** In the order in which Prisma applies them. */
  readonly migrationNames: readonly string[];
}

/** Loading a TypeScript config on a busy runner takes seconds, not minutes. */
const captureTimeoutMs = 120_000;
const keptOutputLength = 64 * 1024;

/**
 * Asks Prisma which database and which migrations `migrate deploy` would work with, by running `migrate status`
 * with an engine that only listens. No database is connected to. A `prisma.config.ts` may compute its URL, so
 * neither DATABASE_URL nor the files of the project can answer this.
 *
 * Rejects with SM_PRISMA_CONFIG (config or schema cannot be loaded; Prisma's own words are the cause),
 * SM_PRISMA_PROJECT (nothing to migrate here), SM_PROVIDER (not PostgreSQL), SM_URL_PRISMA_PROXY.
 */
export async function captureProject(request: {
  readonly installation: PrismaInstallation;
  readonly project: PrismaProject;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}): Promise<CapturedProject> {
  await using engine = await openCaptureEngine();
  const timeout = AbortSignal.timeout(request.timeoutMs ?? captureTimeoutMs);
  let printed = '';
  await runPrisma({
    installation: request.installation,
    project: request.project,
    command: ['migrate', 'status'],
    env: { ...request.env, PRISMA_SCHEMA_ENGINE_BINARY: engine.path },
    signal: AbortSignal.any([request.signal, timeout]),
    onOutput: (text) => {
      printed = (printed + text).slice(-keptOutputLength);
    },
  });
  request.signal.throwIfAborted();
  if (timeout.aborted) throw tookTooLong(request.project);

  const { url, schemaFiles, migrations } = engine.captured();
  const said = readableText(printed, secretsIn(request.env.DATABASE_URL ?? '')).trim();
  if (url === null) throw notLoaded(said, request.project);
  // The lock file's provider counts as well: Prisma refuses with P3019 where it differs from the schema's.
  const providers = [await providerIn(schemaFiles), lockedProvider(migrations?.lockfile.content ?? '')];
  const otherProvider = providers.find((provider) => provider !== null && !/^postgres(ql)?$/.test(provider));
  if (otherProvider !== undefined && otherProvider !== null) throw notPostgres(otherProvider);
  if (migrations === null) throw notLoaded(said, request.project);
  return {
    url: new Secret(url),
    schemaFiles,
    migrationsDirectory: migrations.baseDir,
    migrationNames: migrations.migrationDirectories.map(({ path }) => path),
  };
}

/** The datasource's provider, of the schema's files as Prisma named them; null when it is not to be seen. */
async function providerIn(schemaFiles: readonly string[]): Promise<string | null> {
  for (const path of schemaFiles) {
    const text = (await readFile(path, 'utf8').catch(() => '')).replace(/^\s*\/\/.*$/gm, '');
    const provider = /^\s*datasource\s+\w+\s*\{[^}]*?\bprovider\s*=\s*"([^"]*)"/m.exec(text)?.[1];
    if (provider !== undefined) return provider;
  }
  return null;
}

function lockedProvider(lockFile: string): string | null {
  return /^\s*provider\s*=\s*"([^"]*)"/m.exec(lockFile)?.[1] ?? null;
}

function notPostgres(provider: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PROVIDER',
    message: `the provider of this Prisma project is ${provider}; safe-migrate works with PostgreSQL`,
    hint: 'Remove the action for this database, or point working-directory at the project whose provider is postgresql.',
    docs: 'prisma.md',
  });
}

function tookTooLong(project: PrismaProject): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PRISMA_CONFIG',
    message: `Prisma did not say within ${captureTimeoutMs / 1000} s which database it uses (in ${project.workingDirectory})`,
    hint: 'See whether prisma.config.ts waits for something (a secret store, a network), by running `npx prisma migrate status` in that folder.',
    docs: 'prisma.md',
  });
}

/** Why Prisma ended before it called its engine, from what it printed. */
function notLoaded(said: string, project: PrismaProject): SafeMigrateError {
  const cause = new Error(said);
  const problem = knownReason(said, project);
  if (problem !== null) return new RefusedError([problem], { docs: 'prisma.md', cause });
  return new RefusedError(
    [
      {
        code: 'SM_PRISMA_CONFIG',
        message: `Prisma could not load this project in ${project.workingDirectory}: ${firstError(said)}`,
        hint: 'Run `npx prisma validate` in that folder to see all that Prisma says.',
      },
    ],
    { docs: 'prisma.md', cause },
  );
}

function knownReason(said: string, project: PrismaProject): Problem | null {
  const where = project.workingDirectory;
  if (
    /Could not find (a |the )?(Prisma )?schema|Could not load (`--schema`|schema)|Config file not found/i.test(
      said,
    )
  ) {
    return {
      code: 'SM_PRISMA_PROJECT',
      message: `Prisma finds no schema or config file for ${where}: ${firstError(said)}`,
      hint: 'Point working-directory at the folder from which you run Prisma, or name the files with prisma-schema and prisma-config.',
    };
  }
  if (/Accelerate URL is not supported/i.test(said)) {
    return {
      code: 'SM_URL_PRISMA_PROXY',
      message:
        'Prisma Migrate is configured with a prisma:// or prisma+postgres:// URL, which cannot be dumped through.',
      hint: 'Give Prisma Migrate the direct TCP URL of the database: postgresql://user:password@host:5432/database',
    };
  }
  const variable = /environment variable:?\s+`?"?(\w+)/i.exec(said)?.[1];
  if (variable !== undefined) {
    return {
      code: 'SM_PRISMA_CONFIG',
      message: `the Prisma config in ${where} needs the environment variable ${variable}, which is not set`,
      hint:
        variable === 'DATABASE_URL'
          ? 'Set the input database-url, or DATABASE_URL in the env of the step.'
          : `Set ${variable} in the env of the step.`,
    };
  }
  if (/datasource\.url.*(required|must)/.test(said)) {
    return {
      code: 'SM_PRISMA_CONFIG',
      message: `the Prisma config in ${where} gives no datasource.url`,
      hint: 'Set datasource.url in prisma.config.ts (for example to process.env.DATABASE_URL), and the input database-url or DATABASE_URL in the env of the step.',
    };
  }
  return null;
}

function firstError(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const error =
    lines.find((line) => /^error: \S/.test(line)) ??
    lines.find((line) => /Error: *\S/.test(line)) ??
    lines[lines.findIndex((line) => /^Error:/.test(line)) + 1] ??
    'it printed nothing';
  return error
    .replace(/^error: /i, '')
    .trim()
    .slice(0, 300);
}
