import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { parsePostgresUrl } from '../../database/postgres/server/url.ts';
import { secretsIn } from '../../database/postgres/server/url-secrets.ts';
import { RefusedError, SafeMigrateError } from '../../system/errors.ts';
import type { Secret } from '../../system/secret.ts';
import { shellFor } from '../../system/shell.ts';
import { migratorApplicationName, nameSessions } from '../application-name.ts';
import type { OwnTables } from '../baseline.ts';
import { captureWithUrl } from '../capture/capture-with-url.ts';
import { findMigrations } from '../capture/migrations-folder.ts';
import { refuseOddFiles } from '../capture/odd-files.ts';
import { lockSwitch, type PrismaMigratorOptions, warningsAbout } from '../classic/prisma-migrator.ts';
import { watchDeploy } from '../cli/deploy.ts';
import { collectOutput, schemaOf } from '../cli/execute-script.ts';
import { readMigrations } from '../migrations.ts';
import type { Migrator, ScriptRun } from '../migrator.ts';
import { locatePrisma } from '../project/locate-prisma.ts';
import { type PrismaProject, prismaEnvironment } from '../project/prisma-command.ts';
import { type GroupRun, runInGroup } from '../project/run-in-group.ts';
import { type ScriptCommand, scriptCommand } from './script-command.ts';

/** For `docker kill`. */
const endingTimeoutMs = 3_000;

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
    checkout: options.checkout,
  };
  await refuseOddFiles(project);
  const applicationName = migratorApplicationName(options.run);
  const { [lockSwitch]: _, ...given } = prismaEnvironment(databaseUrl, applicationName, own);
  const found = await findProject(project, { env: given, databaseUrl, signal });
  const env = nameSessions(found.env, found.url.reveal(), applicationName);
  const parsed = parsePostgresUrl(found.url.reveal(), { directory: workingDirectory });
  if (parsed.target === null) throw new RefusedError(parsed.problems);
  const secrets = [found.url.reveal(), env.DATABASE_URL ?? ''].flatMap(secretsIn);

  const runShell = (text: string, run: Pick<GroupRun, 'signal' | 'onOutput' | 'onStart' | 'input'>) =>
    runInGroup({ ...shellFor(text), ...run, workingDirectory, env });
  const scriptCommandFor = (schema: Parameters<typeof scriptCommand>[1]['schema']) =>
    scriptCommand(command, { schema, containerName: `safe-migrate-asks-${randomBytes(4).toString('hex')}` });
  const endContainer = async (text: string | null): Promise<void> => {
    if (text === null) return;
    const limit = AbortSignal.timeout(endingTimeoutMs);
    const run = await collectOutput(secrets, (onOutput) => runShell(text, { signal: limit, onOutput }));
    // "No such container", "is not running": that is what is wanted.
    if (run.exitCode !== 0 && !/no such container|running/i.test(run.output))
      throw stillThere(text.split(' ').at(-1) ?? '', run);
  };
  const attempt = async (asked: ScriptCommand, input: string, aborted: AbortSignal): Promise<ScriptRun> => {
    let ending: Promise<void> = Promise.resolve();
    const end = () => {
      ending = endContainer(asked.endContainer).catch(() => {});
    };
    aborted.addEventListener('abort', end, { once: true });
    try {
      return await collectOutput(secrets, (onOutput) =>
        runShell(asked.text, { input, signal: aborted, onOutput }),
      );
    } finally {
      aborted.removeEventListener('abort', end);
      await ending;
      // Its client is gone now and makes no other; the container may have come just after the first time.
      if (aborted.aborted) await endContainer(asked.endContainer);
    }
  };
  const asked = scriptCommandFor('left-out');
  const runScript = async (
    first: ScriptCommand,
    script: string,
    aborted: AbortSignal,
  ): Promise<ScriptRun> => {
    const run = await attempt(first, script, aborted);
    // Prisma 7 knows no --schema here; up to 6 the command does not run without one.
    if (!/--url.*--schema/.test(run.output)) return run;
    const second = scriptCommandFor({ usual: schemaFor(command, workingDirectory, found.schemaPath) });
    return second === null ? run : await attempt(second, script, aborted);
  };
  return {
    kind: 'command',
    version: found.version ?? 'of migrate-command',
    url: found.url,
    historySchema: parsed.target.schema,
    ownTables: found.ownTables,
    migrations: readMigrations(project.checkout, found.directory, found.names),
    migrationsDirectory: found.directory,
    warnings: warningsAbout(own),
    deploy: (log, deploySignal) =>
      watchDeploy({ secrets, log }, (watch) => runShell(command, { signal: deploySignal, ...watch })),
    runScript: asked === null ? null : (script, aborted) => runScript(asked, script, aborted),
    runsEntrypoint: asked !== null && asked.endContainer !== null,
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

/** As the command may name it: in a container the project may have another path, after a `cd` another way leads there. */
function schemaFor(command: string, workingDirectory: string, schemaPath: string | null): string | null {
  if (schemaPath === null || /^\s*cd\s/.test(command)) return schemaPath;
  return relative(workingDirectory, schemaPath);
}

/** Prisma's lock is let go all the same: it would break the deploys of others, who have done nothing wrong. */
function stillThere(container: string, { exitCode, output }: ScriptRun): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_SERVER_UNPROVED',
    message: `the container ${container} in which migrate-command was asked where it connects to could not be ended (exit code ${exitCode ?? 'unknown'}: ${output.trim().slice(0, 300)}): it may migrate without a backup`,
    hint: 'See that it is gone (docker ps) and what it has done, then run this job again.',
    docs: 'prisma.md',
  });
}

interface FoundProject {
  readonly url: Secret;
  /** null where only the command knows it. */
  readonly version: string | null;
  readonly directory: string;
  readonly names: readonly string[];
  /** null where nobody knows. */
  readonly schemaPath: string | null;
  readonly ownTables: OwnTables;
  /** With what had to be added for the project's Prisma to use the given URL: a command on this machine needs the same. */
  readonly env: Readonly<Record<string, string>>;
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
    const ownTables = { schemas: [], external: [] };
    return { url: databaseUrl, version: null, env, ownTables, ...(await findMigrations(project)) };
  }
  const { captured, env: used } = await captureWithUrl({ installation, project, env, databaseUrl, signal });
  // The command's own URL may be another one, for another network: that both lead to one server is proved, not compared.
  return {
    url: databaseUrl ?? captured.url,
    version: installation.version,
    directory: captured.migrationsDirectory,
    names: captured.migrationNames,
    schemaPath: schemaOf(project, captured.schemaFiles),
    ownTables: { schemas: captured.schemas, external: captured.externalTables },
    env: used,
  };
}
