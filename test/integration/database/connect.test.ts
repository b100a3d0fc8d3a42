import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import {
  findInstallations,
  searchFolders,
} from '../../../src/database/postgres/connect/tool-installations.ts';
import type { PostgresServer } from '../../../src/database/postgres/server/server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import { freePort, type PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let postgres: PostgresCluster;

beforeAll(async () => {
  postgres = await sharedPostgres();
});

function connect(url: string, folders?: readonly string[]): Promise<PostgresServer> {
  const parsed = parsePostgresUrl(url);
  if (parsed.target === null) throw new Error(JSON.stringify(parsed.problems));
  return connectServer(parsed.target, folders === undefined ? {} : { folders });
}

/** A folder with tools that say they are of this version and otherwise are the real ones. */
async function toolsSaying(version: string): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-tools-'));
  for (const tool of ['psql', 'pg_dump', 'pg_restore']) {
    const script = `#!/bin/sh\n[ "$1" = --version ] && { echo "${tool} (PostgreSQL) ${version}"; exit 0; }\nexec ${join(postgres.info.binDirectory, tool)} "$@"\n`;
    await writeFile(join(folder, tool), script);
    await chmod(join(folder, tool), 0o755);
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

describe('the server', () => {
  test('is found with its version and the tools that fit', async () => {
    const server = await connect(postgres.url());
    expect(server.address).toEqual({
      host: '127.0.0.1',
      port: postgres.info.port,
      user: 'postgres',
      database: 'postgres',
    });
    expect(server.version.text).toMatch(/^\d+\.\d+$/);
    expect(server.tools.fact).toBe(`tools ${server.tools.version.text} in ${postgres.info.binDirectory}`);
    expect(server.tools.version.major).toBe(server.version.major);
  });

  test('is found through its socket', async () => {
    const host = encodeURIComponent(postgres.info.socketDirectory);
    const server = await connect(postgres.url({ query: `host=${host}` }));
    await using session = await server.connect('postgres');
    expect(session.backendPid).toBeGreaterThan(0);
  });

  test('lets a password with every odd character in', async () => {
    const password = `p@ss:/%' "$ü\\#?&=`;
    await postgres.createRole('odd_password', { password });
    const server = await connect(postgres.url({ user: 'odd_password', password }));
    await using session = await server.connect('postgres');
    expect(session.database).toBe('postgres');
  });

  test('is not somewhere else because the environment says so', async () => {
    const stray = {
      PGHOST: '192.0.2.1',
      PGHOSTADDR: '192.0.2.1',
      PGSERVICE: 'none',
      PGOPTIONS: '-c nonsense=1',
    };
    const before = { ...process.env };
    try {
      Object.assign(process.env, stray);
      expect((await connect(postgres.url())).address.host).toBe('127.0.0.1');
    } finally {
      process.env = before;
    }
  });
});

describe('what cannot be connected to is named', () => {
  test.each([
    ['SM_AUTH', 'did not let the user in', () => postgres.url({ password: 'wrong-password' })],
    ['SM_AUTH', 'did not let the user in', () => postgres.url({ user: 'no_such_role' })],
    ['SM_NO_DATABASE', 'has no such database', () => postgres.url({ database: 'never_made' })],
    ['SM_TLS', 'over TLS', () => postgres.url({ query: 'sslmode=require' })],
    ['SM_UNREACHABLE', 'cannot be reached', () => 'postgresql://u:wrong-password@127.0.0.1:1/d'],
    ['SM_UNREACHABLE', 'cannot be reached', () => 'postgresql://u:wrong-password@host.invalid/d'],
    ['SM_UNREACHABLE', '/no/such/dir', () => 'postgresql://u:wrong-password@localhost/d?host=/no/such/dir'],
  ])('%s: %s', async (code, words, url) => {
    const failure = await connect(url()).catch((error) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong-password');
    expect(await postgres.databases()).not.toContain('never_made');
  });

  test('a server that accepts and says nothing is given up after the connect timeout', async () => {
    const port = await freePort();
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
    try {
      await expect(connect(`postgresql://u@127.0.0.1:${port}/d?connect_timeout=2`)).rejects.toMatchObject({
        code: 'SM_UNREACHABLE',
        message: expect.stringContaining(`127.0.0.1:${port}`),
      });
    } finally {
      silent.close();
    }
  });
});

describe('the tools of this machine', () => {
  test("are found in the packages' folders and on PATH, each set once", async () => {
    const folders = await searchFolders(`/nowhere:${postgres.info.binDirectory}`);
    const found = await findInstallations(folders);
    expect(found.filter((entry) => entry.directory === postgres.info.binDirectory)).toHaveLength(1);
  });

  test('are not taken from a folder that lacks one of them, or where they differ', async () => {
    await using whole = await toolsSaying('15.20');
    await using mixed = await toolsSaying('15.20');
    await using partial = await toolsSaying('15.20');
    await writeFile(join(mixed.folder, 'pg_restore'), '#!/bin/sh\necho "pg_restore (PostgreSQL) 14.1"\n');
    await rm(join(partial.folder, 'pg_dump'));
    const found = await findInstallations([mixed.folder, partial.folder, whole.folder]);
    expect(found.map((entry) => entry.directory)).toEqual([whole.folder]);
  });

  test("are not Debian's wrapper, which picks versions by rules of its own", async () => {
    await using home = await toolsSaying('15.20');
    const folder = join(home.folder, 'wrapped');
    await mkdir(folder);
    await writeFile(join(home.folder, 'pg_wrapper'), '#!/bin/sh\necho "psql (PostgreSQL) 18.7"\n', {
      mode: 0o755,
    });
    for (const tool of ['psql', 'pg_dump', 'pg_restore']) await symlink('../pg_wrapper', join(folder, tool));
    expect(await findInstallations([folder])).toEqual([]);
  });

  test('that are newer than the server are used with a warning when none fit exactly', async () => {
    await using newer = await toolsSaying('18.7');
    const server = await connect(postgres.url(), [newer.folder]);
    expect(server.tools.version.text).toBe('18.7');
    expect(server.tools.warnings).toEqual([expect.stringContaining('18.7')]);
  });

  test('that are older than the server are refused', async () => {
    await using older = await toolsSaying('12.22');
    await expect(connect(postgres.url(), [older.folder])).rejects.toMatchObject({
      code: 'SM_CLIENT_TOO_OLD',
    });
  });

  test('that are not there are missed', async () => {
    await expect(connect(postgres.url(), [])).rejects.toMatchObject({ code: 'SM_CLIENT_MISSING' });
  });

  test('give no secret in their arguments', async () => {
    const server = await connect(postgres.url());
    await using session = await server.connect('postgres');
    const { readFile, readdir } = await import('node:fs/promises');
    expect(session.backendPid).toBeGreaterThan(0);
    let seen = 0;
    for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const commandLine = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
      if (commandLine.includes('/psql\0')) seen += 1;
      expect(commandLine).not.toContain(postgres.info.password);
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe('pg_dump and pg_restore', () => {
  test("connect to any database by name, and an older encoding stays the dump's", async () => {
    const name = "di'd = x\\y";
    await postgres.createDatabase(name);
    await postgres.psql(name, "create table t (v text); insert into t values ('ü')");
    const server = await connect(postgres.url({ database: name }));
    const dump = server.tools.start('pg_dump', ['-Fc', '-Z0'], { database: name });
    const chunks: Buffer[] = [];
    dump.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    expect(await dump.exited).toMatchObject({ exitCode: 0, stderr: '' });

    const copy = `${name} copy`;
    await postgres.createDatabase(copy);
    const restore = server.tools.start('pg_restore', ['--exit-on-error'], { database: copy, stdin: 'pipe' });
    restore.stdin?.end(Buffer.concat(chunks));
    expect(await restore.exited).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await postgres.psql(copy, 'select v from t')).toBe('ü');
  });

  test('are ended by an abort', async () => {
    const server = await connect(postgres.url());
    const abort = new AbortController();
    const restore = server.tools.start('pg_restore', [], {
      database: 'postgres',
      stdin: 'pipe',
      signal: abort.signal,
    });
    abort.abort();
    expect((await restore.exited).signal).toBe('SIGTERM');
  });
});
