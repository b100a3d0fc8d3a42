import { parsePostgresUrl } from '../../database/postgres/server/url.ts';
import { secretsIn } from '../../database/postgres/server/url-secrets.ts';
import { RefusedError } from '../../system/errors.ts';
import type { Secret } from '../../system/secret.ts';
import { migratorApplicationName, nameSessions } from '../application-name.ts';
import { captureWithUrl } from '../capture/capture-with-url.ts';
import { refuseOddFiles } from '../capture/odd-files.ts';
import { deployMigrations } from '../cli/deploy.ts';
import { executeScript } from '../cli/execute-script.ts';
import { deployProbe } from '../cli/probe.ts';
import { readMigrations } from '../migrations.ts';
import type { Migrator } from '../migrator.ts';
import { locatePrisma } from '../project/locate-prisma.ts';
import { type PrismaProject, prismaEnvironment } from '../project/prisma-command.ts';

/** Recovery asks who holds Prisma's lock, so the lock has to be taken. */
export const lockSwitch = 'PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK';

export interface PrismaMigratorOptions extends PrismaProject {
  /** The input `database-url`; null: what Prisma itself would use. */
  readonly databaseUrl: Secret | null;
  /** The run's id, for the name that the migration's sessions carry. */
  readonly run: string;
  readonly signal: AbortSignal;
  /** Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The project's own Prisma as the Migrator: located, asked what it would migrate, and compared with `databaseUrl`.
 * Rejects with every reason for which it cannot be used; nothing was connected to then.
 */
export async function openPrismaMigrator(options: PrismaMigratorOptions): Promise<Migrator> {
  const { databaseUrl, signal } = options;
  const own = options.env ?? process.env;
  const installation = await locatePrisma(options.workingDirectory);
  const project: PrismaProject = {
    workingDirectory: options.workingDirectory,
    schemaPath: options.schemaPath,
    configPath: options.configPath,
    checkout: options.checkout,
  };
  await refuseOddFiles(project);
  // Recovery asks who holds Prisma's lock, so the lock has to be taken.
  const applicationName = migratorApplicationName(options.run);
  const { [lockSwitch]: _, ...environment } = prismaEnvironment(databaseUrl, applicationName, own);
  const {
    captured,
    env: used,
    problems: differences,
  } = await captureWithUrl({ installation, project, env: environment, databaseUrl, signal });
  const usedUrl = captured.url.reveal();
  const { variable = null } = captured.schemaUrl ?? {};
  // What Prisma reads from a `.env` file gives way to the environment.
  const withUrl = variable === null || used[variable] ? used : { ...used, [variable]: usedUrl };
  const env = nameSessions(withUrl, usedUrl, applicationName);
  const directory = options.workingDirectory;
  const parsed = parsePostgresUrl(captured.url.reveal(), { directory });
  const problems = databaseUrl === null ? parsed.problems : differences;
  if (problems.length > 0 || parsed.target === null) throw new RefusedError(problems);
  const migrations = readMigrations(project.checkout, captured.migrationsDirectory, captured.migrationNames);
  const secrets = [captured.url, ...(databaseUrl === null ? [] : [databaseUrl])].flatMap((url) =>
    secretsIn(url.reveal()),
  );
  return {
    kind: 'prisma',
    version: installation.version,
    url: captured.url,
    historySchema: parsed.target.schema,
    ownTables: { schemas: captured.schemas, external: captured.externalTables },
    migrations,
    migrationsDirectory: captured.migrationsDirectory,
    warnings: warningsAbout(own),
    deploy: (log, deploySignal) =>
      deployMigrations({ installation, project, env, secrets, log, signal: deploySignal }),
    runScript: (script, scriptSignal) =>
      executeScript({
        installation,
        project,
        schemaFiles: captured.schemaFiles,
        env,
        secrets,
        script,
        signal: scriptSignal,
      }),
    runsEntrypoint: false,
    deployProbe: (probeUrl, probeSignal) =>
      deployProbe({
        installation,
        env,
        probeUrl,
        secrets: [...secrets, ...secretsIn(probeUrl.reveal())],
        signal: probeSignal,
      }),
  };
}

/** What the environment says that is not done. */
export function warningsAbout(own: NodeJS.ProcessEnv): readonly string[] {
  if ((own[lockSwitch] ?? '') === '') return [];
  return [`${lockSwitch} is set and is ignored: without Prisma's lock nobody could tell two deploys apart`];
}
