import { join, relative } from 'node:path';
import { parsePostgresUrl } from '../database/postgres/url.ts';
import { secretsIn } from '../database/postgres/url-secrets.ts';
import { RefusedError, SafeMigrateError } from '../system/errors.ts';
import type { Secret } from '../system/secret.ts';
import { shellFor } from '../system/shell.ts';
import { migratorApplicationName } from './application-name.ts';
import { captureWithUrl } from './capture-with-url.ts';
import { watchDeploy } from './deploy.ts';
import { collectOutput, schemaOf } from './execute-script.ts';
import { locatePrisma } from './locate-prisma.ts';
import { asScriptCommand } from './migrate-command.ts';
import { readMigrations } from './migrations.ts';
import { findMigrations } from './migrations-folder.ts';
import type { Migrator, ScriptRun } from './migrator.ts';
import { type PrismaProject, prismaEnvironment } from './prisma-command.ts';
import { lockSwitch, type PrismaMigratorOptions, warningsAbout } from './prisma-migrator.ts';
import { type GroupRun, runInGroup } from './run-in-group.ts';

/**
 * A shell command of the user's as the Migrator. Where the project's Prisma is installed it is asked for URL and
 * migrations all the same; where it is not (Yarn PnP, a Prisma that is in the application's image only), the
 * migrations are looked for, and `databaseUrl` has to be given. Rejects with every reason for which it cannot be used.
 */
export async function openCommandMigrator(
  options: PrismaMigratorOptions & { readonly command: string },
): Promise<Migrator> {
  const { command, databaseUrl, signal, workingDirectory } = options;
  const own = options.env ?? process.env;
  const project: PrismaProject = {
    workingDirectory,
    schemaPath: options.schemaPath,
    configPath: options.configPath,
  };
  const { [lockSwitch]: _, ...env } = prismaEnvironment(
    databaseUrl,
    migratorApplicationName(options.run),
    own,
  );
  const found = await findProject(project, { env, databaseUrl, signal });
  const parsed = parsePostgresUrl(found.url.reveal(), { directory: workingDirectory });
  if (parsed.target === null) throw new RefusedError(parsed.problems);
  const secrets = [found.url.reveal(), env.DATABASE_URL ?? ''].flatMap(secretsIn);

  const runShell = (text: string, run: Pick<GroupRun, 'signal' | 'onOutput' | 'onStart' | 'input'>) =>
    runInGroup({ ...shellFor(text), ...run, workingDirectory, env });
  const runScript = async (script: string, scriptSignal: AbortSignal): Promise<ScriptRun> => {
    const attempt = (schemaPath: string | null) =>
      collectOutput(secrets, (onOutput) =>
        runShell(asScriptCommand(command, schemaPath) ?? '', {
          input: script,
          signal: scriptSignal,
          onOutput,
        }),
      );
    const run = await attempt(null);
    // Prisma 7 knows no --schema here; up to 6 the command does not run without one.
    if (!/--url.*--schema/.test(run.output)) return run;
    const schema = schemaOf(project, found.schemaFiles);
    return schema === null ? run : await attempt(relative(workingDirectory, schema));
  };
  return {
    kind: 'command',
    version: found.version ?? 'of migrate-command',
    url: found.url,
    historySchema: parsed.target.schema,
    migrations: await readMigrations(found.directory, found.names),
    migrationsDirectory: found.directory,
    warnings: warningsAbout(own),
    deploy: (log, deploySignal) =>
      watchDeploy({ secrets, log }, (watch) => runShell(command, { signal: deploySignal, ...watch })),
    runScript: asScriptCommand(command, null) === null ? null : runScript,
    deployProbe: async () => {
      throw new SafeMigrateError({
        code: 'SM_PROBE_FAILED',
        message: 'how the Prisma of migrate-command sends a script cannot be measured',
        hint: 'The backup is used instead; nothing has to be done.',
        docs: 'prisma.md',
      });
    },
  };
}

interface FoundProject {
  readonly url: Secret;
  /** null where only the command knows it. */
  readonly version: string | null;
  readonly directory: string;
  readonly names: readonly string[];
  readonly schemaFiles: readonly string[];
}

async function findProject(
  project: PrismaProject,
  given: {
    readonly env: Readonly<Record<string, string>>;
    readonly databaseUrl: Secret | null;
    readonly signal: AbortSignal;
  },
): Promise<FoundProject> {
  const { databaseUrl, env, signal } = given;
  const installation = await locatePrisma(project.workingDirectory).catch((error: unknown) => {
    const isElsewhere =
      error instanceof SafeMigrateError &&
      (error.code === 'SM_PRISMA_MISSING' || error.code === 'SM_PRISMA_UNSUPPORTED');
    if (!isElsewhere) throw error;
    return null;
  });
  if (installation === null) {
    if (databaseUrl === null) {
      throw new SafeMigrateError({
        code: 'SM_INPUT',
        message:
          'database-url: must be given, because no Prisma is installed here that could be asked for it',
        hint: 'Give the URL under which the tools of this machine (or of container) reach the database.',
      });
    }
    const usual = join(project.workingDirectory, 'prisma', 'schema.prisma');
    return { url: databaseUrl, version: null, schemaFiles: [usual], ...(await findMigrations(project)) };
  }
  const { captured } = await captureWithUrl({ installation, project, env, databaseUrl, signal });
  // The command's own URL may be another one, for another network: that both lead to one server is proved, not compared.
  return {
    url: databaseUrl ?? captured.url,
    version: installation.version,
    directory: captured.migrationsDirectory,
    names: captured.migrationNames,
    schemaFiles: captured.schemaFiles,
  };
}
