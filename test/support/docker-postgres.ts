import { spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DockerEngine } from './docker.ts';
import {
  dataDirectory,
  machineImage,
  machineMounts,
  machinePassword,
  socketDirectory,
} from './machine-image.ts';
import { type ClusterInfo, freePort, PostgresCluster } from './postgres.ts';
import { findPostgresBin, serverIdentity } from './server-binaries.ts';

export interface DockerPostgresOptions {
  /** Name of the container, e.g. `applizor-postgres`. */
  readonly name: string;
  /**
   * `none` (default): only inside of the container and of those in its network, on its own port 5432.
   * `host`: on a free port of this machine's 127.0.0.1, which `url()` then holds.
   */
  readonly network?: 'none' | 'host';
  /** Folder of this machine in which its socket appears (world-writable); not shown outside unless given. */
  readonly sockets?: string;
  readonly labels?: readonly string[];
  /** Image with a PostgreSQL of its own (postgres-image.ts); the machine's PostgreSQL otherwise. */
  readonly image?: ServerImage;
  /** Lines for the server's command line, e.g. `max_connections=50`. */
  readonly settings?: readonly string[];
}

/** An image that holds a PostgreSQL. */
export interface ServerImage {
  readonly name: string;
  /** Folder of its programs. */
  readonly binDirectory: string;
}

const insidePort = 5432;

/** A PostgreSQL in a container. Every tool runs inside, so it can be looked at whatever its network is. */
export class DockerPostgres extends PostgresCluster {
  readonly container: string;
  readonly #engine: DockerEngine;
  /** Its port inside. */
  readonly #port: number;

  constructor(engine: DockerEngine, container: string, info: ClusterInfo, port: number = info.port) {
    super(info);
    this.#port = port;
    this.#engine = engine;
    this.container = container;
  }

  /**
   * Publishes its port as Docker does for `ports:` (the engine of the tests has no network of its own to do that): the
   * same server, with a URL on a free port of this machine. Needs `sockets`.
   */
  async publish(sockets: string): Promise<DockerPostgres & AsyncDisposable> {
    const open = new Set<Socket>();
    const proxy = createServer((client) => {
      const server = connect(join(sockets, `.s.PGSQL.${insidePort}`));
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        open.add(from);
        from.on('error', () => to.destroy()).on('close', () => open.delete(from) && to.destroy());
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const published = new DockerPostgres(
      this.#engine,
      this.container,
      { ...this.info, port: address.port },
      insidePort,
    );
    return Object.assign(published, {
      async [Symbol.asyncDispose]() {
        for (const socket of open) socket.destroy();
        await new Promise((resolve) => proxy.close(resolve));
      },
    });
  }

  override async tool(
    tool: string,
    args: readonly string[],
    database: string,
    stdin = '',
    options: { user?: string; password?: string } = {},
  ): Promise<string> {
    const connection = {
      PGHOST: this.info.socketDirectory,
      PGPORT: String(this.#port),
      PGDATABASE: database,
      PGUSER: options.user ?? this.info.superuser,
      PGPASSWORD: options.password ?? (options.user ? options.user : this.info.password),
      PGCLIENTENCODING: 'UTF8',
    };
    const names = Object.keys(connection).map((name) => `--env=${name}`);
    const program = `${this.info.binDirectory}/${tool}`;
    const child = spawn('docker', ['exec', '--interactive', ...names, this.container, program, ...args], {
      env: { PATH: process.env.PATH ?? '', ...this.#engine.environment, ...connection },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (exitCode !== 0) throw new Error(`${tool} exited ${exitCode}: ${Buffer.concat(stderr).toString()}`);
    return Buffer.concat(stdout).toString().trimEnd();
  }
}

/** Makes a cluster first, then is the server: `$0` is its program, the arguments are its own. */
const initialised = `data=${dataDirectory}/cluster
echo ${machinePassword} > /tmp/password
"$(dirname "$0")/initdb" -D "$data" -U postgres --auth=scram-sha-256 --pwfile=/tmp/password --encoding=UTF8 --locale=C.UTF-8 --no-sync &&
rm /tmp/password && shift 2 && exec "$0" -D "$data" "$@"`;

/** Starts a container with a server and waits until it answers. */
export async function runPostgres(
  engine: DockerEngine,
  options: DockerPostgresOptions,
): Promise<DockerPostgres> {
  const binDirectory = options.image?.binDirectory ?? (await findPostgresBin());
  const port = options.network === 'host' ? await freePort() : insidePort;
  const identity = await serverIdentity();
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${socketDirectory}`,
    'fsync=off',
    'synchronous_commit=off',
    'full_page_writes=off',
    'dynamic_shared_memory_type=mmap',
    'max_prepared_transactions=5',
    ...(options.settings ?? []),
  ];
  await engine.docker(
    'run',
    '--detach',
    `--name=${options.name}`,
    `--network=${options.network ?? 'none'}`,
    `--user=${identity === undefined ? '0' : `${identity.uid}:${identity.gid}`}`,
    '--tmpfs=/tmp:mode=1777',
    ...(options.sockets === undefined ? [] : [`--volume=${options.sockets}:${socketDirectory}`]),
    ...(options.image === undefined ? machineMounts : [`--tmpfs=${dataDirectory}:mode=1777`]),
    ...(options.labels ?? []).map((label) => `--label=${label}`),
    ...(options.image === undefined
      ? [machineImage, `${binDirectory}/postgres`]
      : [options.image.name, 'sh', '-c', initialised, `${binDirectory}/postgres`]),
    '-D',
    dataDirectory,
    ...settings.flatMap((setting) => ['-c', setting]),
  );
  const server = new DockerPostgres(engine, options.name, {
    host: '127.0.0.1',
    port,
    socketDirectory,
    dataDirectory,
    superuser: 'postgres',
    password: machinePassword,
    binDirectory,
  });
  for (const deadline = Date.now() + 60_000; ; await sleep(100)) {
    try {
      await server.psql('postgres', 'SELECT 1');
      return server;
    } catch (cause) {
      const ended = cause instanceof Error && cause.message.includes('is not running');
      if (!ended && Date.now() < deadline) continue;
      const log = await engine.logs(options.name);
      throw new Error(`PostgreSQL in ${options.name} did not start: ${log}`, { cause });
    }
  }
}
