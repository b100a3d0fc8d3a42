import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CheckReport } from '../../src/report/check-report.ts';
import type { Report } from '../../src/report/report.ts';
import type { GitHubApi } from './github-api.ts';
import type { PostgresCluster } from './postgres.ts';
import { engineModeOf, prismaEngineEnv } from './prisma-engine/prisma-engine.ts';
import { createPrismaProject, type PrismaChoice, type PrismaProject, prismaCliOf } from './prisma-project.ts';
import { type ActionOptions, type ActionResult, type ActionRun, runAction, startAction } from './runner.ts';

const run = promisify(execFile);

export const initMigration = '20260101000000_init';

/** What the base branch holds: one migration, and the schema that says the same. */
export const initSql =
  'CREATE TABLE "User" (\n  "id" INTEGER NOT NULL,\n  "name" TEXT,\n\n  CONSTRAINT "User_pkey" PRIMARY KEY ("id")\n);\n';
export const userModel = 'model User {\n  id   Int     @id\n  name String?\n}\n';
/** Up to Prisma 6 the schema names the URL. */
const datasource = (prisma: PrismaChoice, schemas: readonly string[]): string => {
  const lines = [
    'provider = "postgresql"',
    ...(prisma === '5' || prisma === '6' ? ['url = env("DATABASE_URL")'] : []),
    ...(schemas.length === 0 ? [] : [`schemas = ${JSON.stringify(schemas)}`]),
  ];
  // A preview feature up to 6.12.
  const generator =
    prisma === '5' && schemas.length > 0
      ? 'generator client {\n  provider = "prisma-client-js"\n  previewFeatures = ["multiSchema"]\n}\n\n'
      : '';
  return `${generator}datasource db {\n  ${lines.join('\n  ')}\n}\n\n`;
};

/** A repository with a Prisma project, a database that has its base branch deployed, and a pull request to check. */
export interface CheckGround extends AsyncDisposable {
  readonly project: PrismaProject;
  readonly repository: string;
  readonly url: string;
  /** Of the shadow server; empty when there is none. */
  readonly shadowUrl: string;
  readonly database: string;
  writeSchema(models: string): Promise<void>;
  git(...args: readonly string[]): Promise<string>;
  /** Commits everything to the branch of the pull request. */
  commit(): Promise<void>;
  /** The project's own Prisma against the target. */
  prisma(...args: readonly string[]): Promise<string>;
  psql(sql: string): Promise<string>;
  check(options?: CheckOptions): Promise<ActionRun & { readonly result: ActionResult }>;
  /** The same, without waiting for its end. */
  start(options?: CheckOptions): Promise<ActionRun>;
}

export type CheckOptions = ActionOptions & { readonly fork?: boolean };

export async function createCheckGround(options: {
  readonly target: PostgresCluster;
  /** null: no shadow-database-url. */
  readonly shadow: PostgresCluster | null;
  readonly api?: GitHubApi;
  /** Migrations of the base branch; default: `initSql`. */
  readonly base?: Readonly<Record<string, string>>;
  readonly models?: string;
  /** Whether they are deployed to the target; default true. */
  readonly deployed?: boolean;
  /** Folder of the project below the repository; default the root. */
  readonly folder?: string;
  /** Default: Prisma 7. */
  readonly prisma?: PrismaChoice;
  /** `schemas` of the datasource; default: none are named. */
  readonly schemas?: readonly string[];
}): Promise<CheckGround> {
  const { target, shadow } = options;
  const choice = options.prisma ?? '7';
  const head = datasource(choice, options.schemas ?? []);
  const owned = await target.createOwnedDatabase('check');
  const home = await mkdtemp(join(tmpdir(), 'safe-migrate-check-'));
  const repository = join(home, 'repository');
  const project = await createPrismaProject(join(repository, options.folder ?? '.'), {
    migrations: options.base ?? { [initMigration]: initSql },
    schemaPrisma: head + (options.models ?? userModel),
    prisma: choice,
  });
  const environment = prismaEngineEnv(engineModeOf(choice), choice);
  const git = async (...args: readonly string[]) => {
    const { stdout } = await run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: repository,
    });
    return stdout.trim();
  };
  const prisma = async (...args: readonly string[]) => {
    const { stdout } = await run(process.execPath, [prismaCliOf(choice, project.directory), ...args], {
      cwd: project.directory,
      env: { PATH: process.env.PATH ?? '', ...environment, DATABASE_URL: owned.url },
    });
    return stdout;
  };
  await writeFile(join(repository, '.gitignore'), 'node_modules\n');
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '-A');
  await git('commit', '--quiet', '--message', 'base');
  const baseCommit = await git('rev-parse', 'HEAD');
  await git('checkout', '--quiet', '-b', 'change');
  if (options.deployed !== false) await prisma('migrate', 'deploy');
  const shadowUrl = shadow === null ? '' : (await shadow.createOwnedDatabase('shadow')).url;

  const optionsOf = async ({ fork = false, ...given }: CheckOptions = {}): Promise<ActionOptions> => {
    const event = {
      pull_request: {
        number: 7,
        base: { sha: baseCommit, repo: { full_name: 'applizor/erp' } },
        head: {
          sha: await git('rev-parse', 'HEAD'),
          repo: { full_name: fork ? 'somebody/erp' : 'applizor/erp' },
        },
      },
    };
    const eventPath = join(home, 'event.json');
    await writeFile(eventPath, JSON.stringify(event));
    return {
      workspace: repository,
      ...given,
      inputs: {
        command: 'check',
        ...(fork ? {} : { 'database-url': owned.url }),
        ...(shadowUrl === '' ? {} : { 'shadow-database-url': shadowUrl }),
        ...(options.api === undefined ? { comment: 'false' } : {}),
        ...(options.folder === undefined ? {} : { 'working-directory': options.folder }),
        ...given.inputs,
      },
      env: {
        ...environment,
        GITHUB_EVENT_PATH: eventPath,
        GITHUB_REPOSITORY: 'applizor/erp',
        ...(options.api === undefined ? {} : { GITHUB_API_URL: options.api.url }),
        ...given.env,
      },
    };
  };

  return {
    project,
    repository,
    url: owned.url,
    shadowUrl,
    database: owned.database,
    writeSchema: (models) => writeFile(project.schemaPath, head + models),
    git,
    async commit() {
      await git('add', '-A');
      await git('commit', '--quiet', '--allow-empty', '--message', 'change');
    },
    prisma,
    psql: (sql) => target.psql(owned.database, sql, { user: owned.user, password: owned.password }),
    start: async (given) => await startAction(await optionsOf(given)),
    check: async (given) => await runAction(await optionsOf(given)),
    async [Symbol.asyncDispose]() {
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What a check's report.json says. */
export async function reportOf(result: ActionResult): Promise<CheckReport> {
  const report = JSON.parse(await readFile(result.outputs.report ?? '', 'utf8')) as Report;
  if (report.check === null) throw new Error(result.log);
  return report.check;
}
