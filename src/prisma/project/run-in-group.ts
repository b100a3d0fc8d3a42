import { StringDecoder } from 'node:string_decoder';
import { type ProcessExit, startProcess } from '../../system/process.ts';
import { endGroup } from '../../system/process-group.ts';

export interface GroupRun {
  readonly file: string;
  readonly arguments: readonly string[];
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What it reads from stdin; without it stdin is empty. */
  readonly input?: string;
  /** What it prints, stdout and stderr as they come. */
  readonly onOutput: (text: string) => void;
  /** Is given the id of the process group as soon as it runs. */
  readonly onStart?: (groupId: number) => void;
}

/**
 * Runs a program to its end, in its own process group. Aborting ends the whole group.
 * Resolves however it ends; rejects only when it cannot be started.
 */
export async function runInGroup(run: GroupRun): Promise<ProcessExit> {
  const stdoutText = new StringDecoder('utf8');
  const stderrText = new StringDecoder('utf8');
  const child = startProcess(run.file, run.arguments, {
    env: run.env,
    cwd: run.workingDirectory,
    ownGroup: true,
    signal: run.signal,
    stdin: run.input === undefined ? 'ignore' : 'pipe',
    onStderr: (chunk) => run.onOutput(stderrText.write(chunk)),
  });
  child.stdout.on('data', (chunk: Buffer) => run.onOutput(stdoutText.write(chunk)));
  child.stdin?.end(run.input);
  if (child.pid !== null) run.onStart?.(child.pid);
  const exit = await child.exited;
  // The engine may outlive a CLI that was told to stop or was killed, and the migration with it: nothing may go on.
  if ((run.signal.aborted || exit.exitCode !== 0) && child.pid !== null) await endGroup(child.pid);
  return exit;
}
