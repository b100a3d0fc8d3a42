import { StringDecoder } from 'node:string_decoder';
import { childEnvironment } from '../system/child-environment.ts';
import { type ProcessExit, startProcess } from '../system/process.ts';
import { endGroup } from '../system/process-group.ts';
import type { Secret } from '../system/secret.ts';
import type { PrismaInstallation } from './locate-prisma.ts';

/** The project as the user's inputs describe it. */
export interface PrismaProject {
  /** Absolute path; Prisma runs here. */
  readonly workingDirectory: string;
  /** Absolute paths, or null: Prisma finds them by itself. */
  readonly schemaPath: string | null;
  readonly configPath: string | null;
}

export interface PrismaRun {
  readonly installation: PrismaInstallation;
  readonly project: PrismaProject;
  /** e.g. `['migrate', 'deploy']`. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What it prints, stdout and stderr as they come. */
  readonly onOutput: (text: string) => void;
  /** Is given the id of the process group as soon as it runs. */
  readonly onStart?: (groupId: number) => void;
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
  const stdoutText = new StringDecoder('utf8');
  const stderrText = new StringDecoder('utf8');
  const child = startProcess(
    process.execPath,
    [
      run.installation.cliPath,
      ...run.command,
      ...(schemaPath === null ? [] : ['--schema', schemaPath]),
      ...(configPath === null ? [] : ['--config', configPath]),
    ],
    {
      env: run.env,
      cwd: workingDirectory,
      ownGroup: true,
      signal: run.signal,
      onStderr: (chunk) => run.onOutput(stderrText.write(chunk)),
    },
  );
  child.stdout.on('data', (chunk: Buffer) => run.onOutput(stdoutText.write(chunk)));
  if (child.pid !== null) run.onStart?.(child.pid);
  const exit = await child.exited;
  // The engine may outlive a CLI that was told to stop or was killed, and the migration with it: nothing may go on.
  if ((run.signal.aborted || exit.exitCode !== 0) && child.pid !== null) await endGroup(child.pid);
  return exit;
}
