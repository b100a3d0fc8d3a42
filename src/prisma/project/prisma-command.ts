import type { Checkout } from '../../system/checkout.ts';
import { childEnvironment } from '../../system/child-environment.ts';
import type { ProcessExit } from '../../system/process.ts';
import type { Secret } from '../../system/secret.ts';
import type { PrismaInstallation } from './locate-prisma.ts';
import { type GroupRun, runInGroup } from './run-in-group.ts';

/** The project as the user's inputs describe it. */
export interface PrismaProject {
  /** Absolute path; Prisma runs here. */
  readonly workingDirectory: string;
  /** Absolute paths, or null: Prisma finds them by itself. */
  readonly schemaPath: string | null;
  readonly configPath: string | null;
  /** What of it may be read. */
  readonly checkout: Checkout;
}

interface PrismaRun extends Omit<GroupRun, 'file' | 'arguments' | 'workingDirectory'> {
  readonly installation: PrismaInstallation;
  readonly project: PrismaProject;
  /** e.g. `['migrate', 'deploy']`. */
  readonly command: readonly string[];
}

/**
 * The environment for Prisma: ours without the runner's secrets. DATABASE_URL is the input's URL when the
 * environment has none. `applicationName` names our sessions where the engine's driver reads PGAPPNAME.
 */
export function prismaEnvironment(
  databaseUrl: Secret | null,
  applicationName: string,
  own: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const inherited = childEnvironment({}, own);
  const hasUrl = (inherited.DATABASE_URL ?? '') !== '';
  // Colours would have to be taken out again before its text can be read.
  delete inherited.FORCE_COLOR;
  return {
    ...inherited,
    ...(hasUrl || databaseUrl === null ? {} : { DATABASE_URL: databaseUrl.reveal() }),
    PGAPPNAME: applicationName,
    NO_COLOR: '1',
    // The update check runs as a process of its own that outlives the command.
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  };
}

/**
 * Runs the project's Prisma to its end, in its own process group. Aborting ends the whole group.
 * Resolves however it ends; rejects only when it cannot be started.
 */
export async function runPrisma(run: PrismaRun): Promise<ProcessExit> {
  const { schemaPath, configPath, workingDirectory } = run.project;
  return await runInGroup({
    ...run,
    file: process.execPath,
    arguments: [
      run.installation.cliPath,
      ...run.command,
      ...(schemaPath === null ? [] : ['--schema', schemaPath]),
      ...(configPath === null ? [] : ['--config', configPath]),
    ],
    workingDirectory,
  });
}
