import { relative } from 'node:path';
import type { Database } from '../../database/database.ts';
import type { ScratchServer } from '../../database/scratch-server.ts';
import type { BaseBranch } from '../../git/base-branch.ts';
import type { CheckedProject } from '../../prisma/checked-project.ts';
import type { Finding } from '../../report/check-report.ts';
import type { PhaseLog } from '../../report/run-log.ts';
import { messageOf, problemsOf, SafeMigrateError } from '../../system/errors.ts';
import type { CommandContext } from '../shared/context.ts';
import type { CheckSettings } from '../shared/settings.ts';
import { asFinding } from './as-finding.ts';

/** Something that can be looked at, or the sentence that says why it cannot. */
type Sight<T> = { readonly value: T } | { readonly value: null; readonly because: string };

/** All that the parts of a check look at. What is missing degrades them, never silences them. */
export interface CheckGround extends AsyncDisposable {
  readonly project: CheckedProject;
  readonly base: Sight<BaseBranch>;
  readonly database: Sight<Database>;
  readonly scratch: Sight<ScratchServer>;
  /** A path relative to the repository's root, as annotations want it. */
  readonly fileOf: (path: string) => string;
  /** What is wrong with the ground itself: an unreachable database, a shadow server that is the target's. */
  readonly findings: readonly Finding[];
}

/** No reason to fail a job that never was to see the database; a secret with another name is as silent. */
const noUrl: Finding = {
  severity: 'warning',
  code: 'SM_PRISMA_CONFIG',
  message:
    'database-url is empty, and Prisma found no URL either: history, pending migrations and drift were not looked at in the database',
  hint: 'A secret that does not exist arrives as an empty text: see that it is set in this repository, or in the environment that the job names. Dependabot has secrets of its own.',
  file: null,
  line: null,
};

/**
 * Opens what there is. Rejects only where no part could run: the project cannot be loaded (locatePrisma's and
 * captureProject's errors).
 */
export async function openGround(
  context: CommandContext,
  settings: CheckSettings,
  log: PhaseLog,
): Promise<CheckGround> {
  const { ports, repository } = context;
  const findings: Finding[] = [];
  const project = await ports.openCheckedProject(settings, context.signal);
  const fileOf = (path: string) => relative(repository, path).replaceAll('\\', '/');
  const failed = (what: string, error: unknown): { readonly value: null; readonly because: string } => {
    if (!(error instanceof SafeMigrateError)) throw error;
    findings.push(...problemsOf(error).map(asFinding));
    return { value: null, because: `${what}: ${messageOf(error)}` };
  };

  const base = await openBase(context, project, log);
  const { url } = project;
  if (url === null && context.pullRequest?.isFromFork === false) findings.push(noUrl);
  const database: Sight<Database> =
    url === null
      ? {
          value: null,
          because: `The database was not looked at, because this job has no URL for it${context.pullRequest?.isFromFork === true ? ' (GitHub gives no secrets to pull requests from forks)' : ''}.`,
        }
      : await ports.openDatabase(url, settings).then(
          (value) => ({ value }),
          (error: unknown) => failed('The database was not looked at, because it cannot be opened', error),
        );
  try {
    if (database.value !== null) {
      const { address, server } = database.value;
      context.report.target({ ...address, serverVersion: server.text });
    }
    const scratch = await openScratch(
      context,
      settings,
      { database: database.value, hasTarget: url !== null },
      findings,
      failed,
    );
    return {
      project,
      base,
      database,
      scratch,
      fileOf,
      findings,
      async [Symbol.asyncDispose]() {
        await scratch.value?.[Symbol.asyncDispose]();
        await database.value?.[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await database.value?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function openBase(
  context: CommandContext,
  project: CheckedProject,
  log: PhaseLog,
): Promise<Sight<BaseBranch>> {
  if (context.pullRequest === null) {
    return {
      value: null,
      because: 'The base branch was not compared with, because this run belongs to no pull request.',
    };
  }
  try {
    const value = await context.ports.readBaseBranch({
      repository: context.repository,
      paths: [project.migrationsDirectory, project.schemaPath],
      baseCommit: context.pullRequest.baseCommit,
      headCommit: context.pullRequest.headCommit,
    });
    return { value };
  } catch (error) {
    if (!(error instanceof SafeMigrateError)) throw error;
    log.warn(`${error.message}. ${error.hint}`);
    return { value: null, because: `The base branch was not compared with: ${error.message}. ${error.hint}` };
  }
}

async function openScratch(
  context: CommandContext,
  settings: CheckSettings,
  { database, hasTarget }: { readonly database: Database | null; readonly hasTarget: boolean },
  findings: Finding[],
  failed: (what: string, error: unknown) => { readonly value: null; readonly because: string },
): Promise<Sight<ScratchServer>> {
  const url = settings.shadowDatabaseUrl;
  if (url === null) {
    return {
      value: null,
      because:
        'it needs a server for scratch databases: give shadow-database-url, e.g. of a service container.',
    };
  }
  let scratch: ScratchServer;
  try {
    scratch = await context.ports.openScratchServer(url, settings, context.run.id, (line) =>
      context.log.warn(line),
    );
  } catch (error) {
    return failed('the server of shadow-database-url cannot be used', error);
  }
  // Where the target has a URL and does not answer, nobody can say that this is not its server.
  if (database === null && hasTarget) {
    await scratch[Symbol.asyncDispose]();
    return {
      value: null,
      because: 'whether shadow-database-url leads to another server could not be made sure.',
    };
  }
  const isOther = await isAnotherServer(database, scratch).catch(async (error: unknown) => {
    await scratch[Symbol.asyncDispose]();
    throw error;
  });
  if (isOther) return { value: scratch };
  await scratch[Symbol.asyncDispose]();
  findings.push({
    severity: 'error',
    code: 'SM_SHADOW_IS_TARGET',
    message: "shadow-database-url leads to the target's own server",
    hint: 'Give a server that is made for it, e.g. a service container of the job: check creates nothing beside the target.',
    file: null,
    line: null,
  });
  return { value: null, because: "shadow-database-url leads to the target's own server." };
}

/** Physical copies of one cluster share its identifier: a replica's primary counts as the target's server, too. */
async function isAnotherServer(database: Database | null, scratch: ScratchServer): Promise<boolean> {
  if (database === null) return true;
  const { systemIdentifier } = await database.identity();
  return systemIdentifier !== scratch.identity.systemIdentifier;
}
