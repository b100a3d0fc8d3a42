import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import { executeScript } from '../../../src/prisma/cli/execute-script.ts';
import type { Migrator } from '../../../src/prisma/migrator.ts';
import { locatePrisma } from '../../../src/prisma/project/locate-prisma.ts';
import { prismaEnvironment } from '../../../src/prisma/project/prisma-command.ts';
import { proveServer } from '../../../src/prisma/proof/server-proof.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import { type PostgresCluster, startPostgres } from '../../support/postgres.ts';
import { prismaEngineEnv } from '../../support/prisma-engine/prisma-engine.ts';
import { createPrismaProject } from '../../support/prisma-project.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { openTarget } from '../recovery/ground.ts';

const never = new AbortController().signal;

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

type Asked = Pick<Migrator, 'kind' | 'runScript' | 'runsEntrypoint'>;

/** The project's own Prisma, pointed at `url`. */
async function prismaAt(url: string): Promise<Asked & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-proof-'));
  const { directory } = await createPrismaProject(folder, { migrations: {} });
  const installation = await locatePrisma(directory);
  const project = {
    workingDirectory: directory,
    schemaPath: null,
    configPath: null,
    checkout: new Checkout([directory]),
  };
  const own = { PATH: process.env.PATH, DATABASE_URL: url, ...prismaEngineEnv('by-statement') };
  const env = prismaEnvironment(null, 'the migrator', own);
  return {
    kind: 'prisma',
    runsEntrypoint: false,
    runScript: (script, signal) =>
      executeScript({ installation, project, schemaFiles: [], env, secrets: [], script, signal }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The same database through the server's socket. */
function throughSocket(of: PostgresCluster, url: string): string {
  return `${url}?host=${encodeURIComponent(of.info.socketDirectory)}`;
}

describe('the server behind every route', () => {
  test('is proved to be one when the tools take the socket and Prisma the network', async () => {
    const { url } = await cluster.createOwnedDatabase('proof');
    await using database = await openTarget(throughSocket(cluster, url));
    await using migrator = await prismaAt(url);
    expect(await proveServer(database, migrator, never)).toEqual({
      outcome: 'proved',
      applicationName: 'the migrator',
    });
  });

  test('is two when another one with a database of that name stands on the port: both are named', async () => {
    await using other = await startPostgres();
    const ours = await cluster.createOwnedDatabase('proof');
    await other.createRole(ours.user, { password: ours.password });
    await other.createDatabase(ours.database, ours.user);
    await using database = await openTarget(throughSocket(cluster, ours.url));
    await using migrator = await prismaAt(other.url(ours));
    const refusal = await proveServer(database, migrator, never).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'SM_OTHER_SERVER' });
    const identifier = (of: PostgresCluster) =>
      of.psql('postgres', 'SELECT system_identifier FROM pg_control_system()');
    const { message } = refusal as Error;
    expect(message).toMatch(
      new RegExp(
        `reach database ${ours.database} at a socket, .* system identifier ${await identifier(cluster)};`,
      ),
    );
    expect(message).toMatch(
      new RegExp(
        `reaches database ${ours.database} at 127\\.0\\.0\\.1:${other.info.port}, PostgreSQL \\S+ running since \\S+Z, system identifier ${await identifier(other)}$`,
      ),
    );
  });

  test('is not enough: another database of the same server is told as well', async () => {
    const [ours, another] = [
      await cluster.createOwnedDatabase('proof'),
      await cluster.createOwnedDatabase('proof'),
    ];
    await using database = await openTarget(throughSocket(cluster, ours.url));
    await using migrator = await prismaAt(another.url);
    await expect(proveServer(database, migrator, never)).rejects.toMatchObject({
      code: 'SM_OTHER_SERVER',
      message: expect.stringContaining(`reaches database ${another.database} at 127.0.0.1`),
    });
  });

  test('needs no proof where both use one address of this machine', async () => {
    const { url } = await cluster.createOwnedDatabase('proof');
    await using database = await openTarget(url);
    const runScript = () => Promise.reject(new Error('must not run'));
    expect(await proveServer(database, { kind: 'prisma', runScript, runsEntrypoint: false }, never)).toEqual({
      outcome: 'certain',
    });
  });

  test('stays unproved when Prisma cannot connect, and that is refused in its own words', async () => {
    const { url } = await cluster.createOwnedDatabase('proof');
    await using database = await openTarget(throughSocket(cluster, url));
    await using migrator = await prismaAt(url.replace(/:\d+\//, ':9/'));
    await expect(proveServer(database, migrator, never)).rejects.toMatchObject({
      code: 'SM_SERVER_UNPROVED',
      message: expect.stringContaining("Can't reach database server at `127.0.0.1:9`"),
    });
  });

  test('can be proved for a role whose own timeouts are short', async () => {
    const { url, user } = await cluster.createOwnedDatabase('proof');
    await cluster.psql('postgres', `ALTER ROLE "${user}" SET lock_timeout = '1ms'`);
    await using database = await openTarget(throughSocket(cluster, url));
    await using migrator = await prismaAt(url);
    expect(await proveServer(database, migrator, never)).toMatchObject({ outcome: 'proved' });
  });
});

describe('a migrator of which only a shell command is known', () => {
  let database: Database;
  beforeAll(async () => {
    const { url } = await cluster.createOwnedDatabase('proof');
    database = await openTarget(url);
    return () => database[Symbol.asyncDispose]();
  });
  const proveWith = (runScript: Migrator['runScript']) =>
    proveServer(database, { kind: 'command', runScript, runsEntrypoint: false }, never);

  test('is always asked, and its silence is told: success alone proves nothing', async () => {
    const proof = await proveWith(async () => ({ exitCode: 0, output: 'Script executed successfully.\n' }));
    expect(proof).toMatchObject({
      outcome: 'not-proved',
      because: expect.stringMatching(
        /ended without an error, so it probably does not pass its standard input on/,
      ),
    });
  });

  test('is not proved when it fails for a reason of its own', async () => {
    expect(await proveWith(async () => ({ exitCode: 2, output: 'usage: deploy.sh\n' }))).toMatchObject({
      outcome: 'not-proved',
      because: expect.stringContaining('exit code 2, usage: deploy.sh'),
    });
  });

  test('is refused when it cannot connect', async () => {
    const output = "Error: P1001: Can't reach database server at `db:5432`\n";
    await expect(proveWith(async () => ({ exitCode: 1, output }))).rejects.toMatchObject({
      code: 'SM_SERVER_UNPROVED',
      message: expect.stringContaining('`db:5432`'),
    });
  });

  test('is not asked when the way is not known', async () => {
    expect(await proveWith(null)).toMatchObject({ outcome: 'not-proved' });
  });
});

describe('while a new container is asked, whose entrypoint may migrate unasked,', () => {
  const takeLock = 'SELECT pg_advisory_lock(72707369)';
  let url: string;
  let database: Database;
  beforeEach(async () => {
    ({ url } = await cluster.createOwnedDatabase('proof'));
    database = await openTarget(url);
    return () => database[Symbol.asyncDispose]();
  });

  /** A deploy of somebody else, as far as it matters here: a session that wants Prisma's lock. */
  async function connectDeploy(): Promise<Client & AsyncDisposable> {
    const client = new Client({ connectionString: url });
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }

  const asking = (runScript: NonNullable<Migrator['runScript']>, runsEntrypoint = true) =>
    proveServer(database, { kind: 'command', runScript, runsEntrypoint }, never);

  test('nobody can migrate, until there is nothing left of that container', async () => {
    await using deploy = await connectDeploy();
    let isEnded = false;
    let locked: Promise<boolean> | null = null;
    const started = Date.now();
    const proof = asking(async (_script, signal) => {
      locked = deploy.query(takeLock).then(() => isEnded);
      await once(signal, 'abort');
      await sleep(500);
      isEnded = true;
      return { exitCode: null, output: '' };
    });
    await expect(proof).rejects.toMatchObject({
      code: 'SM_MIGRATOR_BUSY',
      message: expect.stringMatching(/another deploy, which was let through, or the entrypoint/),
    });
    // The other deploy is only late: Prisma waits ten seconds.
    expect(await locked).toBe(true);
    expect(Date.now() - started).toBeLessThan(8_000);
  });

  test('and a deploy that is at work already is not disturbed: nothing is asked then', async () => {
    await using deploy = await connectDeploy();
    await deploy.query(takeLock);
    const runScript = () => Promise.reject(new Error('must not run'));
    await expect(asking(runScript)).rejects.toMatchObject({
      code: 'SM_MIGRATOR_BUSY',
      message: expect.stringContaining("it holds Prisma's lock"),
    });
    expect(await database.prismaLockHolder()).not.toBeNull();
  });

  test('Prisma’s lock is left alone where nothing but Prisma runs', async () => {
    await using deploy = await connectDeploy();
    await asking(async () => {
      await deploy.query(takeLock);
      return { exitCode: 1, output: 'usage' };
    }, false);
  });
});
