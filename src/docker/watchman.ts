import { SafeMigrateError } from '../system/errors.ts';
import { type RunningProcess, startProcess } from '../system/process.ts';
import { readyLine, watchmanScript } from './container-scripts.ts';
import { dockerEnvironment, saidByDocker } from './docker-client.ts';

const startTimeoutMs = 60_000;

/** A shell in a container that signals our processes there, and ends them when we are gone. Disposing ends it. */
export interface Watchman extends AsyncDisposable {
  /** Rejects when there is nobody who could watch: the container has stopped for good. */
  watch(pid: string, start: string): Promise<void>;
  signal(pid: string, start: string, signal: NodeJS.Signals): void;
}

/**
 * Starts it in a running container, and again when that was restarted. Rejects with SM_CONTAINER_SHELL.
 */
export async function watchContainer(container: string, name: string): Promise<Watchman> {
  const post = () =>
    standWatch(
      ['exec', '--interactive', container, 'sh', '-c', watchmanScript],
      (said) =>
        new SafeMigrateError({
          code: 'SM_CONTAINER_SHELL',
          message: `Nothing can be run in the container ${name}: ${said}`,
          hint: 'It needs sh, sed, env and tr beside the tools of PostgreSQL, as the images of PostgreSQL have them.',
          docs: 'docker.md',
        }),
    );
  return watchmanOf(await post(), post);
}

/**
 * Runs docker with `args`, which begin the watchman's script in a container of its own that ends with it. `failure` makes
 * the error from what docker said.
 */
export async function startWatchman(
  args: readonly string[],
  failure: (said: string) => SafeMigrateError,
): Promise<Watchman> {
  return watchmanOf(await standWatch(args, failure), () =>
    Promise.reject(new Error('the container has ended')),
  );
}

/** `again` takes the place of a watch that has ended. */
function watchmanOf(first: Watch, again: () => Promise<Watch>): Watchman {
  let current = first;
  return {
    async watch(pid, start) {
      if (current.hasEnded) current = await again();
      current.say(`watch ${pid} ${start}`);
    },
    signal: (pid, start, signal) => current.say(`signal ${pid} ${start} ${signal.replace(/^SIG/, '')}`),
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  };
}

interface Watch extends AsyncDisposable {
  readonly hasEnded: boolean;
  say(line: string): void;
}

async function standWatch(
  args: readonly string[],
  failure: (said: string) => SafeMigrateError,
): Promise<Watch> {
  const client = startProcess('docker', args, {
    env: dockerEnvironment(),
    stdin: 'pipe',
    ownGroup: true,
  });
  let hasEnded = false;
  client.exited
    .catch(() => {})
    .finally(() => {
      hasEnded = true;
    });
  await ready(client).catch(async (error: unknown) => {
    client.kill('SIGKILL');
    const exit = await client.exited.catch(() => null);
    throw error instanceof SafeMigrateError
      ? error
      : failure(exit === null ? String(error) : saidByDocker(exit));
  });
  return {
    get hasEnded() {
      return hasEnded;
    },
    say: (line) => void client.stdin?.write(`${line}\n`),
    async [Symbol.asyncDispose]() {
      client.stdin?.end();
      const timer = setTimeout(() => client.kill('SIGKILL'), 10_000);
      await client.exited.catch(() => {});
      clearTimeout(timer);
    },
  };
}

async function ready(client: RunningProcess): Promise<void> {
  let text = '';
  const answered = new Promise<void>((resolve, reject) => {
    client.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes(readyLine)) resolve();
    });
    client.exited.then(() => reject(new Error('it ended')), reject);
    setTimeout(() => reject(new Error('it did not answer in time')), startTimeoutMs).unref();
  });
  await answered;
}
