import { StringDecoder } from 'node:string_decoder';
import { hookEnvironment } from './child-environment.ts';
import { type ProcessExit, startProcess } from './process.ts';
import { endGroup } from './process-group.ts';
import { shellFor } from './shell.ts';

export interface ShellCommand {
  /** One or several lines of shell. */
  readonly script: string;
  readonly directory: string;
  /** Variable of its environment by which whoever comes next knows it. */
  readonly mark: { readonly name: string; readonly value: string };
  /** Aborting ends everything that the command has started. */
  readonly signal: AbortSignal;
  /** What it prints, as it comes. */
  readonly onOutput: (text: string) => void;
}

const graceMs = 5000;

/**
 * Runs a user's command as a step's `run:` does: `bash -eo pipefail`, or `sh -e` where there is no bash, without the
 * action's inputs and the runner's tokens. Resolves when it has ended, however it ended.
 */
export async function runShellCommand(command: ShellCommand): Promise<ProcessExit> {
  const shell = shellFor(command.script);
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  const child = startProcess(shell.file, shell.arguments, {
    env: hookEnvironment({ [command.mark.name]: command.mark.value }),
    cwd: command.directory,
    ownGroup: true,
    signal: command.signal,
    graceMs,
    onStderr: (chunk) => command.onOutput(decoders.stderr.write(chunk)),
  });
  child.stdout.on('data', (chunk: Buffer) => command.onOutput(decoders.stdout.write(chunk)));
  const exit = await child.exited;
  // The shell is gone; what it had started may have ignored the signal.
  if (command.signal.aborted && child.pid !== null) await endGroup(child.pid, 0);
  return exit;
}
