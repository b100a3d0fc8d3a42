import { getExecOutput } from '@actions/exec';
import { SafeMigrateError } from './errors.ts';

interface ShortCommandResult {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a short command to its end and gives back what it wrote (UTF-8): a program that answers at once, from this
 * machine alone, reads no input and has nothing secret in its arguments. What has to be given up after a time, ended on
 * cancel or read while it runs belongs to process.ts. So does what is given an input: the toolkit listens to no error
 * of that pipe, and a program that ends before it has read everything ends us with EPIPE (@actions/exec 3.0.0).
 *
 * Resolves however it ends; rejects with SM_PROCESS_NOT_STARTED when it is not there or may not be executed.
 */
export async function runShortCommand(
  command: string,
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd?: string },
): Promise<ShortCommandResult> {
  try {
    // The toolkit splits its first argument at spaces, as a shell does.
    return await getExecOutput(`"${command.replaceAll('"', '\\"')}"`, [...args], {
      env: { ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      silent: true,
      ignoreReturnCode: true,
    });
  } catch (cause) {
    throw new SafeMigrateError({
      code: 'SM_PROCESS_NOT_STARTED',
      message: `${command} could not be started`,
      hint: 'Check that the program is installed, that it may be executed and that the working directory exists.',
      cause,
    });
  }
}
