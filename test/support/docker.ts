/**
 * A disposable Docker engine for tests: a `dockerd` of our own with its socket and all of its files in a temporary
 * folder. `await using engine = await startDocker()` has one for itself; `await sharedDocker()` (shared-servers.ts)
 * is the one that all files of a test run share, started when it is first asked for.
 *
 *   const database = await engine.startPostgres({ name: 'applizor-postgres' });   // unreachable from the host
 *   const reachable = await engine.startPostgres({ name: 'db', network: 'host' }); // 127.0.0.1:<free port>
 *   const app = await engine.startApp({ networkOf: database.container, mounts: [project.directory] });
 *   await engine.docker('exec', app.container, 'npx', 'prisma', '--version');
 *   await runAction({ …, env: engine.environment });                               // DOCKER_HOST for what is tested
 *
 * Images cannot be pulled where there is no network, so containers run what this machine has: its own /usr, /bin,
 * /lib and /etc, mounted read-only over an empty image. They are real containers for `docker exec` all the same.
 * Container names are unique in one engine: in the shared one give names of your own (`uniqueName`), or start an
 * engine for the file (about a second).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DockerPostgres, type DockerPostgresOptions, runPostgres } from './docker-postgres.ts';
import { importMachineImage, machineImage, machineMounts } from './machine-image.ts';
import { needPart } from './needed-parts.ts';

const run = promisify(execFile);

/** What another process (a vitest worker, the bundle) needs to use a running engine. JSON-safe. */
export interface DockerInfo {
  /** `unix:///…/docker.sock`, for DOCKER_HOST. */
  readonly host: string;
  /** A folder of the engine's own, removed with it: for what is mounted into containers. */
  readonly folder: string;
}

export interface AppContainer {
  readonly container: string;
}

/** A running Docker engine. */
export class DockerEngine {
  readonly info: DockerInfo;

  constructor(info: DockerInfo) {
    this.info = info;
  }

  /** Leads every docker client to this engine and away from the user's own configuration. */
  get environment(): Readonly<Record<string, string>> {
    return { DOCKER_HOST: this.info.host, DOCKER_CONFIG: join(this.info.folder, 'client') };
  }

  /** Runs a docker command to its end; resolves with its stdout (trimmed), rejects with its stderr. */
  async docker(...args: readonly string[]): Promise<string> {
    const { stdout } = await this.#run(args);
    return stdout.trim();
  }

  /** A container name that nobody else uses. */
  uniqueName(stem: string): string {
    return `${stem}-${randomBytes(4).toString('hex')}`;
  }

  /** Starts PostgreSQL (the newest that this machine has) in a container and waits until it answers. */
  startPostgres(options: DockerPostgresOptions): Promise<DockerPostgres> {
    return runPostgres(this, options);
  }

  /**
   * Starts a container that has this machine's programs (node among them) and sleeps, for `docker exec`: the
   * application of a compose file. Ends with the engine, or by `docker rm -f`.
   */
  async startApp(
    options: {
      readonly name?: string;
      /** Container in whose network it lives; without one it has none. */
      readonly networkOf?: string;
      /** Folders of this machine that it sees under the same paths, writable. */
      readonly mounts?: readonly string[];
      readonly labels?: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<AppContainer> {
    const container = options.name ?? this.uniqueName('app');
    await this.docker(
      'run',
      '--detach',
      `--name=${container}`,
      `--network=${options.networkOf === undefined ? 'none' : `container:${options.networkOf}`}`,
      '--tmpfs=/tmp:mode=1777',
      ...machineMounts,
      ...(options.mounts ?? []).map((path) => `--volume=${path}:${path}`),
      ...(options.labels ?? []).map((label) => `--label=${label}`),
      ...Object.entries(options.env ?? {}).map(([name, value]) => `--env=${name}=${value}`),
      machineImage,
      'sleep',
      'infinity',
    );
    return { container };
  }

  /** What a container has printed. */
  async logs(container: string): Promise<string> {
    const { stdout, stderr } = await this.#run(['logs', container]);
    return stdout + stderr;
  }

  /** Command lines of all processes in a container, as the host sees them. */
  async processes(container: string): Promise<readonly string[]> {
    // The daemon finds the container's processes in ps's output by their ids.
    const table = await this.docker('top', container, '-eo', 'pid,args');
    return table
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(/^\d+\s+/, ''));
  }

  #run(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return run('docker', [...args], {
      env: { PATH: process.env.PATH ?? '', ...this.environment },
      maxBuffer: 64 * 1024 * 1024,
    });
  }
}

/** An engine that this process started; disposing of it removes its containers, ends it and removes its files. */
export class StartedDocker extends DockerEngine implements AsyncDisposable {
  readonly daemonPid: number;
  readonly #dispose: () => Promise<void>;

  constructor(info: DockerInfo, daemonPid: number, dispose: () => Promise<void>) {
    super(info);
    this.daemonPid = daemonPid;
    this.#dispose = dispose;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
  }
}

/** Uses an engine that another process started (vitest's global setup). */
export function connectDocker(info: DockerInfo): DockerEngine {
  return new DockerEngine(info);
}

/** Starts an engine; needs root, Debian's docker.io and containers that the kernel allows. */
export async function startDocker(): Promise<StartedDocker> {
  needPart('docker');
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-docker-'));
  const engine = new DockerEngine({ host: `unix://${join(folder, 'docker.sock')}`, folder });
  // overlayfs does not lie on every file system (a container's own, for one); vfs copies whole layers and always works.
  for (const driver of [[], ['--storage-driver=vfs']]) {
    const daemon = startDaemon(folder, driver);
    if ((await answers(engine, daemon)) && daemon.pid !== undefined) {
      await importMachineImage(engine);
      return new StartedDocker(engine.info, daemon.pid, () => dispose(engine, daemon));
    }
    await endDaemon(folder, daemon);
  }
  const log = await readFile(join(folder, 'daemon.log'), 'utf8').catch(() => '');
  await rm(folder, { recursive: true, force: true });
  throw new Error(`dockerd did not start (it needs root and Debian's docker.io):\n${log.slice(-4000)}`);
}

function startDaemon(folder: string, more: readonly string[]): ChildProcess {
  const output = openSync(join(folder, 'daemon.log'), 'a');
  try {
    // setpriv: when the test process dies, however it dies, the kernel tells the daemon to end. SIGTERM, so that it
    // takes its containers and its containerd along.
    return spawn(
      'setpriv',
      [
        '--pdeathsig',
        'TERM',
        'dockerd',
        `--host=unix://${join(folder, 'docker.sock')}`,
        `--data-root=${join(folder, 'data')}`,
        `--exec-root=${join(folder, 'exec')}`,
        `--pidfile=${join(folder, 'pid')}`,
        // No rules in the host's firewall, no bridge: containers have the host's network, another one's or none.
        '--iptables=false',
        '--ip6tables=false',
        '--bridge=none',
        '--shutdown-timeout=2',
        ...more,
      ],
      {
        stdio: ['ignore', output, output],
        env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
      },
    );
  } finally {
    closeSync(output);
  }
}

async function answers(engine: DockerEngine, daemon: ChildProcess): Promise<boolean> {
  let failed = false;
  daemon.once('error', () => {
    failed = true;
  });
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(50)) {
    if (failed || daemon.exitCode !== null || daemon.signalCode !== null) return false;
    if (!existsSync(join(engine.info.folder, 'docker.sock'))) continue;
    const version = await engine.docker('version', '--format', '{{.Server.Version}}').catch(() => '');
    if (version !== '') return true;
  }
  return false;
}

async function dispose(engine: DockerEngine, daemon: ChildProcess): Promise<void> {
  const containers = await engine.docker('ps', '--all', '--quiet').catch(() => '');
  if (containers !== '') await engine.docker('rm', '--force', '--volumes', ...containers.split('\n'));
  await endDaemon(engine.info.folder, daemon);
  await rm(engine.info.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

async function endDaemon(folder: string, daemon: ChildProcess): Promise<void> {
  if (daemon.pid !== undefined && daemon.exitCode === null && daemon.signalCode === null) {
    const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
    daemon.kill('SIGTERM');
    await Promise.race([ended, sleep(20_000)]);
    daemon.kill('SIGKILL');
    await ended;
  }
  // What a daemon that had to be killed leaves behind; all of it names our folder.
  for (const pid of await processesNaming(folder)) process.kill(pid, 'SIGKILL');
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of mounts.toReversed()) await run('umount', ['--lazy', path]).catch(() => {});
}

/** Containers' supervisors of this engine: their arguments hold the folder, which no other engine has. */
async function processesNaming(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).map(Number).filter((each) => each > 0)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (/containerd/.test(commandLine) && commandLine.includes(`${folder}/`)) found.push(pid);
  }
  return found;
}
