import { databaseToolEnvironment } from '../system/child-environment.ts';
import { SafeMigrateError } from '../system/errors.ts';
import { type ProcessExit, readOutput } from '../system/process.ts';

const answerTimeoutMs = 15_000;

type DockerExit = ProcessExit & { readonly stdout: string };

/** The environment for a docker client: its own (`DOCKER_HOST`, `HOME`), without what belongs to the action. */
export function dockerEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return databaseToolEnvironment(extra);
}

/**
 * Runs a short docker command to its end; its exit code is the caller's to judge.
 * Rejects with SM_DOCKER_MISSING where there is no docker client.
 */
export async function docker(
  args: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<DockerExit> {
  try {
    return await readOutput('docker', args, {
      env: dockerEnvironment(),
      timeoutMs: options.timeoutMs ?? answerTimeoutMs,
    });
  } catch (cause) {
    if (!(cause instanceof SafeMigrateError) || cause.code !== 'SM_PROCESS_NOT_STARTED') throw cause;
    throw new SafeMigrateError({
      code: 'SM_DOCKER_MISSING',
      message: 'There is no docker client on this machine.',
      hint: 'Install Docker where the job runs, or let the tools of PostgreSQL run on the machine itself (without container and client-image).',
      docs: 'docker.md',
      cause,
    });
  }
}

/** Why Docker cannot be used here, or null when its engine answers. */
export async function dockerProblem(): Promise<SafeMigrateError | null> {
  try {
    const exit = await docker(['version', '--format', '{{.Server.Version}}']);
    return exit.exitCode === 0 && exit.stdout.trim() !== '' ? null : unreachable(exit);
  } catch (error) {
    if (error instanceof SafeMigrateError && error.code === 'SM_DOCKER_MISSING') return error;
    throw error;
  }
}

function unreachable(exit: DockerExit): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_DOCKER_UNREACHABLE',
    message: `The Docker engine does not answer: ${saidByDocker(exit)}`,
    hint: 'Start it, or give the user of the job access to its socket (group docker); DOCKER_HOST says where another one is.',
    docs: 'docker.md',
  });
}

/** Docker's own last words, on one line. */
export function saidByDocker({ exitCode, stderr }: Pick<DockerExit, 'exitCode' | 'stderr'>): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith("See '"));
  return (lines.at(-1) ?? `exit code ${exitCode ?? 'unknown'}`).slice(0, 300);
}
