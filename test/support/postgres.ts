import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPostgresBin, findServerBin, serverIdentity } from './server-binaries.ts';

const run = promisify(execFile);

/** What another process (a vitest worker, the demo) needs to use a running cluster. JSON-safe. */
export interface ClusterInfo {
  readonly host: string;
  readonly port: number;
  readonly socketDirectory: string;
  readonly dataDirectory: string;
  readonly superuser: string;
  readonly password: string;
  /** Client tools of the machine; of another major than the server where one was asked for. */
  readonly binDirectory: string;
}

export interface RoleOptions {
  readonly password?: string;
  /** e.g. `CREATEDB`, `NOSUPERUSER`; default `CREATEDB`. */
  readonly attributes?: string;
}

/** A running throwaway PostgreSQL. */
export class PostgresCluster {
  readonly info: ClusterInfo;

  constructor(info: ClusterInfo) {
    this.info = info;
  }

  /** A Prisma URL, everything percent-encoded; the superuser's unless a user is given. */
  url(options: { database?: string; user?: string; password?: string; query?: string } = {}): string {
    const user = encodeURIComponent(options.user ?? this.info.superuser);
    const password = encodeURIComponent(
      options.password ?? (options.user ? options.user : this.info.password),
    );
    const database = encodeURIComponent(options.database ?? 'postgres');
    const query = options.query ? `?${options.query}` : '';
    return `postgresql://${user}:${password}@${this.info.host}:${this.info.port}/${database}${query}`;
  }

  /**
   * Runs SQL as the superuser and returns what psql printed (unaligned, tuples only).
   * Rejects with psql's stderr when a statement fails.
   */
  async psql(
    database: string,
    sql: string,
    options: { user?: string; password?: string } = {},
  ): Promise<string> {
    return this.tool(
      'psql',
      ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-f', '-'],
      database,
      sql,
      options,
    );
  }

  /** Runs any PostgreSQL client tool against a database of this cluster. */
  async tool(
    tool: string,
    args: readonly string[],
    database: string,
    stdin = '',
    options: { user?: string; password?: string } = {},
  ): Promise<string> {
    const child = spawn(join(this.info.binDirectory, tool), args, {
      env: {
        PATH: process.env.PATH ?? '',
        PGHOST: this.info.host,
        PGPORT: String(this.info.port),
        PGDATABASE: database,
        PGUSER: options.user ?? this.info.superuser,
        PGPASSWORD: options.password ?? (options.user ? options.user : this.info.password),
        PGCLIENTENCODING: 'UTF8',
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A tool that fails early closes its stdin; its own message tells more than EPIPE.
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (exitCode !== 0) throw new Error(`${tool} exited ${exitCode}: ${Buffer.concat(stderr).toString()}`);
    return Buffer.concat(stdout).toString().trimEnd();
  }

  /** Creates a login role whose password is its name unless one is given. */
  async createRole(name: string, options: RoleOptions = {}): Promise<void> {
    const password = (options.password ?? name).replaceAll("'", "''");
    await this.psql(
      'postgres',
      `CREATE ROLE ${quote(name)} LOGIN ${options.attributes ?? 'CREATEDB'} PASSWORD '${password}';`,
    );
  }

  async createDatabase(name: string, owner?: string, template = 'template0'): Promise<void> {
    await this.psql(
      'postgres',
      `CREATE DATABASE ${quote(name)}${owner ? ` OWNER ${quote(owner)}` : ''} TEMPLATE ${quote(template)};`,
    );
  }

  /** A role and a database of its own, with names that no other test uses. */
  async createOwnedDatabase(
    stem = 'app',
    template?: string,
  ): Promise<{ database: string; user: string; password: string; url: string }> {
    const suffix = randomBytes(4).toString('hex');
    const user = `${stem}_owner_${suffix}`;
    const database = `${stem}_${suffix}`;
    await this.createRole(user);
    await this.createDatabase(database, user, template);
    return { database, user, password: user, url: this.url({ database, user }) };
  }

  /** Names of all databases, sorted. */
  async databases(): Promise<string[]> {
    const text = await this.psql('postgres', 'SELECT datname FROM pg_database ORDER BY 1;');
    return text.split('\n').filter((name) => name !== '');
  }
}

/** A cluster that ends with its scope. */
export interface ThrowawayCluster extends PostgresCluster, AsyncDisposable {
  /** `pg_ctl stop -m <mode>`. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again on the same port after a stop. */
  start(): Promise<void>;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** What two servers with a database of 1 GB each, a copy of it and the suite's small ones need, and as much again. */
const roomInMemory = 8 * 1024 ** 3;

/** A thousand databases of 300 files each are made and dropped in a test run: a disk's file system is a tenth of its time. */
async function serversFolder(): Promise<string> {
  const room = await statfs('/dev/shm').catch(() => null);
  return room !== null && room.bavail * room.bsize >= roomInMemory ? '/dev/shm' : tmpdir();
}

/**
 * Starts a PostgreSQL of its own in a temporary folder on a free port of 127.0.0.1, with password
 * authentication; `await using` stops it and removes its files.
 */
export async function startPostgres(
  options: {
    /** The machine's newest unless given; 13, 14, 15 and 17 are in test/parts, as servers without client tools. */
    readonly major?: number;
    /** Lines for postgresql.conf. */
    readonly settings?: readonly string[];
    readonly initdbArgs?: readonly string[];
    /** Folder for its files; in memory where there is room, else that of temporary files. */
    readonly within?: string;
  } = {},
): Promise<ThrowawayCluster> {
  const binDirectory = await findPostgresBin();
  const identity = await serverIdentity();
  const home = await mkdtemp(join(options.within ?? (await serversFolder()), 'safe-migrate-pg-'));
  if (identity) await chown(home, identity.uid, identity.gid);
  const serverBin =
    options.major === undefined ? binDirectory : await findServerBin(options.major, home, identity);
  const dataDirectory = join(home, 'data');
  const password = randomBytes(12).toString('hex');
  const asServer = identity ? { ...identity } : {};
  const command = (name: string, args: readonly string[]) =>
    run(join(serverBin, name), [...args], {
      ...asServer,
      cwd: home,
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' },
    });

  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, password, { mode: 0o644 });
  await command('initdb', [
    '-D',
    dataDirectory,
    '-U',
    'postgres',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--no-sync',
    ...(options.initdbArgs ?? []),
  ]);
  const port = await freePort();
  await writeFile(
    join(dataDirectory, 'postgresql.auto.conf'),
    [
      `listen_addresses = '127.0.0.1'`,
      `port = ${port}`,
      `unix_socket_directories = '${home}'`,
      'fsync = off',
      'synchronous_commit = off',
      'full_page_writes = off',
      'max_connections = 200',
      'max_prepared_transactions = 5',
      'wal_level = logical',
      'shared_buffers = 256MB',
      // A test run leaves hundreds of databases; visited more often, they keep a core busy.
      'autovacuum_naptime = 1min',
      ...(options.settings ?? []),
      '',
    ].join('\n'),
  );
  const start = async () => {
    await command('pg_ctl', ['start', '-w', '-t', '60', '-D', dataDirectory, '-l', join(home, 'log')]);
  };
  let running = false;
  const stop = async (mode: 'fast' | 'immediate') => {
    if (!running) return;
    running = false;
    await command('pg_ctl', ['stop', '-w', '-t', '60', '-m', mode, '-D', dataDirectory]);
  };
  try {
    await start();
    running = true;
  } catch (error) {
    const log = await readFile(join(home, 'log'), 'utf8').catch(() => '');
    await rm(home, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start: ${log}`, { cause: error });
  }
  const cluster = new PostgresCluster({
    host: '127.0.0.1',
    port,
    socketDirectory: home,
    dataDirectory,
    superuser: 'postgres',
    password,
    binDirectory,
  });
  return Object.assign(cluster, {
    stop,
    start: async () => {
      await start();
      running = true;
    },
    async [Symbol.asyncDispose]() {
      await stop('immediate').catch(() => {});
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    },
  });
}
