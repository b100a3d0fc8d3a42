import { type Problem, RefusedError, SafeMigrateError } from '../../system/errors.ts';
import type { PrismaProject } from '../project/prisma-command.ts';
import { unsetVariableIn } from './unset-variable.ts';

/** A variable that must hold the URL which Migrate uses is not set. */
export class UnsetUrlVariableError extends RefusedError {
  readonly variable: string;

  constructor(variable: string, ...details: ConstructorParameters<typeof RefusedError>) {
    super(...details);
    this.variable = variable;
  }
}

/** The input `prisma-config` with a version that has no such option. */
export function noConfigOption(version: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PRISMA_CONFIG',
    message: `prisma-config is set, but prisma ${version} cannot be given a config file (6.4 and later can)`,
    hint: 'Remove prisma-config and use prisma-schema, or upgrade Prisma.',
    docs: 'prisma.md',
  });
}

/** The project's provider is another one. */
export function notPostgres(provider: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PROVIDER',
    message: `the provider of this Prisma project is ${provider}; safe-migrate works with PostgreSQL`,
    hint: 'Remove the action for this database, or point working-directory at the project whose provider is postgresql.',
    docs: 'prisma.md',
  });
}

/** Prisma did not come to an end by itself. */
export function tookTooLong(project: PrismaProject, timeoutMs: number): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PRISMA_CONFIG',
    message: `Prisma did not say within ${timeoutMs / 1000} s which database it uses (in ${project.workingDirectory})`,
    hint: 'See whether prisma.config.ts waits for something (a secret store, a network), by running `npx prisma migrate status` in that folder.',
    docs: 'prisma.md',
  });
}

/** Why Prisma ended before it called its engine, from what it printed. */
export function notLoaded(said: string, project: PrismaProject, databaseUrl: string): SafeMigrateError {
  const cause = new Error(said);
  const unset = unsetVariableIn(said);
  if (unset !== null) {
    const details = { docs: 'prisma.md', cause } as const;
    const problems = [
      databaseUrl === '' && (unset.holdsUrl || unset.name === 'DATABASE_URL')
        ? noUrl(project, unset.name)
        : unsetProblem(unset.name, project),
    ];
    return unset.holdsUrl
      ? new UnsetUrlVariableError(unset.name, problems, details)
      : new RefusedError(problems, details);
  }
  const problem = knownReason(said, project, databaseUrl);
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

function unsetProblem(variable: string, project: PrismaProject): Problem {
  return {
    code: 'SM_PRISMA_CONFIG',
    message: `the Prisma project in ${project.workingDirectory} needs the environment variable ${variable}, which is not set or empty`,
    hint: `Set ${variable} in the env of the step. ${missingSecret}`,
  };
}

/** The commonest first mistake: GitHub hands over a secret that does not exist as an empty text, without a word. */
const missingSecret =
  'A secret that does not exist arrives as an empty text: see that it is set in this repository, or in the environment that the job names (environment: …).';

function noUrl(project: PrismaProject, variable = 'DATABASE_URL'): Problem {
  return {
    code: 'SM_PRISMA_CONFIG',
    message: `database-url is empty, and so is ${variable}, where the Prisma project in ${project.workingDirectory} looks for its URL`,
    hint: `Give this step database-url: \${{ secrets.DATABASE_URL }}. ${missingSecret}`,
  };
}

function knownReason(said: string, project: PrismaProject, databaseUrl: string): Problem | null {
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
  // Prisma's words: 5.22 and 7 say the first, 6.19 the second.
  if (/Accelerate URL is not supported|To use a URL with protocol `prisma/i.test(said)) {
    return {
      code: 'SM_URL_PRISMA_PROXY',
      message:
        'Prisma Migrate is configured with a prisma:// or prisma+postgres:// URL, which cannot be dumped through.',
      hint: 'Give Prisma Migrate the direct TCP URL of the database: postgresql://user:password@host:5432/database',
    };
  }
  if (/using driver adapter/i.test(said)) {
    return {
      code: 'SM_PRISMA_CONFIG',
      message: `the Prisma config in ${where} gives Migrate a driver adapter, so Prisma does not say which database it uses`,
      hint: "Set engine: 'classic' and datasource.url in prisma.config.ts for migrations, or leave engine and adapter out and keep the URL in the schema.",
    };
  }
  if (/datasource\.url.*(required|must)/.test(said)) {
    if (databaseUrl === '') return noUrl(project);
    return {
      code: 'SM_PRISMA_CONFIG',
      message: `the Prisma config in ${where} gives no datasource.url`,
      hint: 'Set datasource.url in prisma.config.ts (for example to process.env.DATABASE_URL), and the input database-url or DATABASE_URL in the env of the step.',
    };
  }
  if (/Connection url is empty/i.test(said)) {
    if (databaseUrl === '') return noUrl(project);
    return {
      code: 'SM_PRISMA_CONFIG',
      message: `the Prisma config in ${where} works out an empty URL, although DATABASE_URL is set`,
      hint: `See which variable its datasource.url reads first (DIRECT_URL, for example): ?? lets an empty text through, || does not. ${missingSecret}`,
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
