import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../../../src/database/database.ts';
import { openDatabase } from '../../../src/database/postgres/database.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import { openPrismaMigrator } from '../../../src/prisma/classic/prisma-migrator.ts';
import type { Migrator } from '../../../src/prisma/migrator.ts';
import { Checkout } from '../../../src/system/checkout.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { type EngineMode, prismaEngineEnv } from '../../support/prisma-engine/prisma-engine.ts';
import { createPrismaProject } from '../../support/prisma-project.ts';

/** The run's id, as the migrator's sessions carry it. */
export const run = 'r1';

/** A target and its migrator, as recovery finds them. */
export interface Ground extends AsyncDisposable {
  readonly cluster: PostgresCluster;
  readonly name: string;
  readonly url: string;
  readonly database: Database;
  readonly migrator: Migrator;
}

export async function openTarget(url: string): Promise<Database> {
  const { target, problems } = parsePostgresUrl(url);
  if (target === null) throw new Error(problems.map((problem) => problem.message).join('; '));
  return openDatabase(target);
}

export async function createGround(
  cluster: PostgresCluster,
  options: {
    /** migration.sql by folder name. */
    readonly migrations: Readonly<Record<string, string>>;
    readonly engineMode?: EngineMode;
  },
): Promise<Ground> {
  const { database: name, url } = await cluster.createOwnedDatabase('recovery');
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-recovery-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const project = await createPrismaProject(folder, { migrations: options.migrations });
  const database = stack.use(await openTarget(url));
  const migrator = await openPrismaMigrator({
    workingDirectory: project.directory,
    checkout: new Checkout([project.directory]),
    schemaPath: null,
    configPath: null,
    databaseUrl: null,
    run,
    signal: new AbortController().signal,
    env: {
      PATH: process.env.PATH ?? '',
      DATABASE_URL: url,
      ...prismaEngineEnv(options.engineMode ?? 'by-statement'),
    },
  });
  const kept = stack.move();
  return { cluster, name, url, database, migrator, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
