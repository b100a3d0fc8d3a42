import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { SafeMigrateError } from './errors.ts';
import { signalGroup } from './process-group.ts';

/** How much of the end of stderr is kept, in bytes. */
const stderrTailBytes = 64 * 1024;

/** How a process ended. */
export interface ProcessExit {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Last 64 KiB of what it wrote to stderr. May hold row values: redact before showing. */
  readonly stderr: string;
}

interface ProcessOptions {
  /** The whole environment of the child; see child-environment.ts. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Default `ignore`: an empty input. */
  readonly stdin?: 'pipe' | 'ignore';
  /** Leads a process group of its own: signals reach all that it starts, and a Ctrl-C of ours does not. */
  readonly ownGroup?: boolean;
  /** Aborting sends SIGTERM and, `graceMs` later, SIGKILL. */
  readonly signal?: AbortSignal;
  /** Between SIGTERM and SIGKILL; default 5000. */
  readonly graceMs?: number;
  /** Is given stderr as it comes, besides the kept tail. */
  readonly onStderr?: (chunk: Buffer) => void;
}

/** A running child process. */
export interface RunningProcess {
  /** null when it could not be started; then `exited` rejects. */
  readonly pid: number | null;
  /** null unless started with `stdin: 'pipe'`. */
  readonly stdin: Writable | null;
  /**
   * Ends when the child closes it, whether the child succeeded or not. So `pipeline(stdout, sink)` says nothing
   * about success: gate the end of the sink on `exited`.
   */
  readonly stdout: Readable;
  /** Settles after the process has ended and its streams are closed; rejects only when it cannot be started. */
  readonly exited: Promise<ProcessExit>;
  /** Signals the process (its group with `ownGroup`); does nothing once it has ended. Default SIGTERM. */
  kill(signal?: NodeJS.Signals): void;
}

/**
 * Starts `command` with `args` (no shell). Throws the signal's reason when it was aborted already.
 * Secrets belong into `env` or stdin, never into `args`: arguments are visible to everyone on the machine.
 */
export function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): RunningProcess {
  options.signal?.throwIfAborted();
  const child = spawnOrThrow(command, args, options);
  const { stdout, stderr, stdin } = child;
  if (stdout === null || stderr === null) throw cannotStart(command, new Error('no pipes'));

  // A child that ends early breaks the pipe under our writes. `exited` tells that story; without a listener
  // the EPIPE would end this process instead.
  stdin?.on('error', () => {});

  const tail = new ByteTail(stderrTailBytes);
  stderr.on('data', (chunk: Buffer) => {
    tail.add(chunk);
    options.onStderr?.(chunk);
  });

  let hasClosed = false;
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
    if (hasClosed || child.pid === undefined) return;
    if (options.ownGroup === true) signalGroup(child.pid, signal);
    else child.kill(signal);
  };

  let killTimer: NodeJS.Timeout | undefined;
  const abort = (): void => {
    kill('SIGTERM');
    killTimer = setTimeout(() => {
      kill('SIGKILL');
      // Something the child started may still hold the pipes; the child itself is gone, so stop waiting for it.
      killTimer = setTimeout(() => {
        stdout.destroy();
        stderr.destroy();
      }, 1000);
    }, options.graceMs ?? 5000);
  };
  options.signal?.addEventListener('abort', abort, { once: true });

  const exited = new Promise<ProcessExit>((resolve, reject) => {
    child.once('error', (cause) => {
      // Also emitted when a signal could not be delivered; only a child without a pid never ran.
      if (child.pid === undefined) reject(cannotStart(command, cause));
    });
    child.once('close', (exitCode, signal) => {
      hasClosed = true;
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', abort);
      resolve({ exitCode, signal, stderr: tail.text() });
    });
  });
  // Whoever only reads stdout must not be ended by an unhandled rejection; whoever awaits `exited` still gets it.
  exited.catch(() => {});

  return { pid: child.pid ?? null, stdin, stdout, exited, kill };
}

/**
 * Runs a command to its end and returns what it wrote to stdout (UTF-8). For questions that may never be
 * answered (by Docker's engine, git's remote, whatever program bears a tool's name): small outputs, a time limit in
 * milliseconds after which the child is ended. What needs none goes by short-command.ts.
 */
export async function readOutput(
  command: string,
  args: readonly string[],
  options: Pick<ProcessOptions, 'env' | 'cwd'> & { readonly timeoutMs: number },
): Promise<ProcessExit & { readonly stdout: string }> {
  const child = startProcess(command, args, {
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    signal: AbortSignal.timeout(options.timeoutMs),
    graceMs: 500,
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const exit = await child.exited;
  return { ...exit, stdout: Buffer.concat(chunks).toString('utf8') };
}

function spawnOrThrow(command: string, args: readonly string[], options: ProcessOptions) {
  try {
    return spawn(command, args, {
      env: { ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
      detached: options.ownGroup === true,
      windowsHide: true,
    });
  } catch (cause) {
    throw cannotStart(command, cause);
  }
}

function cannotStart(command: string, cause: unknown): SafeMigrateError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
  return new SafeMigrateError({
    code: 'SM_PROCESS_NOT_STARTED',
    message: `${command} could not be started (${reason})`,
    hint:
      reason === 'ENOENT'
        ? 'Check that the program is installed and that the working directory exists.'
        : 'Check that the program may be executed and that the machine has memory and file handles left.',
    cause,
  });
}

/** Keeps the last bytes of a stream. */
class ByteTail {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    // Trimmed at twice the limit, so that a chatty child does not cost one copy a chunk.
    if (this.#sizeBytes > 2 * this.#limitBytes) this.#trim();
  }

  text(): string {
    this.#trim();
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  #trim(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#limitBytes)));
    this.#chunks = [kept];
    this.#sizeBytes = kept.length;
  }
}
