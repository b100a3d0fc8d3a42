import type { Readable, Writable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { type ProcessExit, type RunningProcess, startProcess } from '../system/process.ts';
import { processScript, selectionScript, startedPattern } from './container-scripts.ts';
import { dockerEnvironment } from './docker-client.ts';
import type { Watchman } from './watchman.ts';

/** Between SIGTERM and SIGKILL inside, and from there to the end of the docker client. */
const graceMs = 5000;

interface ContainerProcessOptions {
  /** The PG* variables of the process, and no others; only their names appear in arguments. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: 'pipe' | 'ignore';
  /** Ids of an archive's entries: pg_restore is given `--use-list` with them and reads the archive from its stdin. */
  readonly entries?: readonly string[];
  readonly signal?: AbortSignal;
}

interface ContainerProcess {
  readonly stdin: Writable | null;
  readonly stdout: Readable;
  readonly exited: Promise<ProcessExit>;
  kill(signal?: NodeJS.Signals): void;
}

/**
 * Starts a program in a container by `docker exec`. It begins only when the watchman knows it, so that nothing of ours
 * goes on in the container after us. Throws the signal's reason when it was aborted already.
 */
export function startInContainer(
  container: string,
  watchman: Watchman,
  command: readonly string[],
  options: ContainerProcessOptions,
): ContainerProcess {
  options.signal?.throwIfAborted();
  const given = Object.keys(options.env);
  const names = given.filter((name) => name.startsWith('PG')).join(' ');
  const script =
    options.entries === undefined
      ? [processScript, 'sh', names]
      : [selectionScript, 'sh', processScript, names];
  const variables = [...given, 'LC_ALL'].map((name) => `--env=${name}`);
  let begun: (place: InContainer) => void = () => {};
  const place = new Promise<InContainer>((resolve) => {
    begun = resolve;
  });
  const announced = new Announcement(begun);
  const client = startProcess(
    'docker',
    ['exec', '--interactive', ...variables, container, 'sh', '-c', ...script, ...command],
    {
      env: dockerEnvironment(options.env),
      stdin: 'pipe',
      // Out of our terminal's group: a Ctrl-C reaches us first, and we decide what to stop.
      ownGroup: true,
      onStderr: (chunk) => announced.read(chunk),
    },
  );
  const stdin = inputOf(client, options);
  const stop = signaller(client, watchman, place);
  void place
    .then(async ({ pid, start }) => {
      await watchman.watch(pid, start);
      client.stdin?.write('go\n');
      stdin.open();
    })
    // Nobody would watch it: it does not begin.
    .catch(() => client.kill('SIGKILL'));
  const end = onAbort(stop, options.signal);
  return {
    stdin: options.stdin === 'pipe' ? stdin.stream : null,
    stdout: client.stdout,
    exited: client.exited
      .then((exit) => ({ ...exit, stderr: exit.stderr.replace(startedPattern, '') }))
      .finally(end),
    kill: stop,
  };
}

interface InContainer {
  readonly pid: string;
  readonly start: string;
}

/** Finds the line by which a process tells its id; a docker client may have said something of its own before it. */
class Announcement {
  readonly #found: (place: InContainer) => void;
  #text = '';
  #isDone = false;

  constructor(found: (place: InContainer) => void) {
    this.#found = found;
  }

  read(chunk: Buffer): void {
    if (this.#isDone) return;
    this.#text += chunk.toString('latin1');
    const match = startedPattern.exec(this.#text);
    const [, pid, start] = match ?? [];
    if (pid !== undefined && start !== undefined) this.#found({ pid, start });
    this.#isDone = match !== null;
  }
}

/** What is written before the process may begin waits; after `go` it follows on the same stream. */
function inputOf(
  client: RunningProcess,
  options: ContainerProcessOptions,
): { readonly stream: Writable; open(): void } {
  const stream = new PassThrough();
  stream.on('error', () => {});
  if (options.entries !== undefined) client.stdin?.write(`${options.entries.join(' ')}\n`);
  if (options.stdin !== 'pipe') stream.end();
  return {
    stream,
    open: () => {
      if (client.stdin !== null) stream.pipe(client.stdin);
      // A process that ends early reads no more; who writes to it must not wait for ever.
      void client.exited.catch(() => {}).finally(() => stream.destroy());
    },
  };
}

function signaller(
  client: RunningProcess,
  watchman: Watchman,
  place: Promise<InContainer>,
): (signal?: NodeJS.Signals) => void {
  let isThere: InContainer | null = null;
  void place.then((found) => {
    isThere = found;
  });
  return (signal = 'SIGTERM') => {
    // Before it has begun there is nothing to end but the client: without `go` it ends by itself.
    if (isThere === null) return client.kill('SIGKILL');
    watchman.signal(isThere.pid, isThere.start, signal);
    // Where the container has gone away, or the engine does not answer, the client must not hold us.
    if (signal === 'SIGKILL') setTimeout(() => client.kill('SIGKILL'), graceMs).unref();
  };
}

function onAbort(stop: (signal?: NodeJS.Signals) => void, signal: AbortSignal | undefined): () => void {
  let timer: NodeJS.Timeout | undefined;
  const abort = (): void => {
    stop('SIGTERM');
    timer = setTimeout(() => {
      stop('SIGKILL');
    }, graceMs);
  };
  signal?.addEventListener('abort', abort, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
}
