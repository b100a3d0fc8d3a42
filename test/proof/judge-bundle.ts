import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type Random, randomOf } from '../faults/random.ts';
import { compileCache } from '../support/compile-cache.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { prismaEngineEnv } from '../support/prisma-engine/prisma-engine.ts';
import { createPrismaProject, type PrismaProject, prismaCliOf } from '../support/prisma-project.ts';
import { runAction } from '../support/runner.ts';
import { clientOf, type Empty } from './grammar/build.ts';
import { type Judgement, judgeEquality, judgeRefusal } from './judge-proof.ts';
import { differences, type Picture, readPicture } from './oracle/read.ts';
import { restoreByHand } from './restore-by-hand.ts';

const run = promisify(execFile);

/** A Prisma project around a database of the grammar. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  readonly prisma: PrismaProject;
}

/** Makes the project and deploys its first migration, before the grammar fills the database. */
export async function createProject(cluster: PostgresCluster, empty: Empty): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-proof-'));
  const project: Project = {
    folder,
    prisma: await createPrismaProject(join(folder, 'app'), {
      migrations: { '20260101000000_init': 'CREATE TABLE "Base" ("id" SERIAL PRIMARY KEY, "name" TEXT);\n' },
    }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
  const directory = project.prisma.directory;
  await run(process.execPath, [prismaCliOf('7', directory), 'migrate', 'deploy'], {
    cwd: directory,
    env: {
      PATH: process.env.PATH ?? '',
      ...compileCache,
      ...prismaEngineEnv('by-statement'),
      DATABASE_URL: urlOf(cluster, empty),
    },
  });
  return project;
}

interface Ground {
  readonly cluster: PostgresCluster;
  readonly empty: Empty;
  readonly project: Project;
  readonly tools: string;
  /** Folder of the bundle; the repository's unless given. */
  readonly dist?: string;
}

/**
 * Lets the whole action lose and find the database again, twice: a migration that destroys and then fails is undone by
 * the run itself; and what a person destroyed afterwards, by a rollback to the stored backup.
 */
export async function judgeBundle(
  ground: Ground,
  seed: string,
): Promise<readonly [swap: Judgement, rollback: Judgement | null]> {
  const { cluster, empty, project } = ground;
  const random = randomOf(`${seed} destroys`);
  const before = await readPicture(cluster, empty.database);
  const destroying = await destruction(ground, random);
  await project.prisma.writeMigration(
    '20260102000000_destroys',
    `${destroying.join(';\n')};\nSELECT 1 / 0;\n`,
  );
  const swap = await judgeRun(ground, before, { command: 'migrate' }, ['restored', 'untouched']);
  await rm(join(project.prisma.migrationsDirectory, '20260102000000_destroys'), { recursive: true });
  if (swap.outcome !== 'equal' && swap.outcome !== 'told') return [swap, null];
  const client = await clientOf(cluster, empty.database, empty.user, empty.password);
  try {
    // What depends on what, chance decides: some of it may be gone already.
    for (const sql of await destruction(ground, random)) await client.query(sql).catch(() => {});
  } finally {
    await client.end();
  }
  const rollback = await judgeRun(ground, before, { command: 'rollback', confirm: empty.database }, [
    'rolled-back',
  ]);
  return [swap, rollback];
}

async function judgeRun(
  ground: Ground,
  before: Picture,
  inputs: Record<string, string>,
  expected: readonly string[],
): Promise<Judgement> {
  const { cluster, empty, project, tools, dist } = ground;
  const backups = join(project.folder, 'backups');
  await mkdir(backups, { recursive: true });
  await using action = await runAction({
    workspace: project.prisma.directory,
    ...(dist === undefined ? {} : { dist }),
    inputs: { 'database-url': urlOf(cluster, empty), storage: `file://${backups}`, ...inputs },
    env: { ...prismaEngineEnv('by-statement'), PATH: `${tools}${delimiter}${process.env.PATH ?? ''}` },
  });
  const { outputs, log } = action.result;
  const report: Report = JSON.parse(await readFile(outputs.report ?? '', 'utf8').catch(() => '{}'));
  const problems = (report.problems ?? []).map(({ code, message }) => `${code}: ${message}`).join('; ');
  const after = await readPicture(cluster, empty.database).catch(
    (error: unknown) => new Map([['oracle', String(error)]]),
  );
  const found = differences(before, after);
  if (outputs.result === 'refused') {
    const byHand = () => restoreByHand(cluster, empty, tools, before);
    return found.length > 0 && inputs.command === 'migrate'
      ? { outcome: 'missed', refusal: problems, told: [], differences: found }
      : judgeRefusal(problems, byHand);
  }
  if (!expected.includes(outputs.result ?? '')) {
    return {
      outcome: 'missed',
      refusal: `${outputs.result ?? 'no result'}: ${problems}`,
      told: [],
      differences: [{ name: 'run', how: log.slice(-1_500) }, ...found],
    };
  }
  const judgement = judgeEquality(report.proof?.told ?? [], found);
  return judgement;
}

interface Report {
  readonly problems?: readonly { readonly code: string; readonly message: string }[];
  readonly proof?: { readonly told?: readonly string[] } | null;
}

function urlOf(cluster: PostgresCluster, empty: Empty): string {
  return cluster.url({ database: empty.database, user: empty.user, password: empty.password });
}

/** Statements of a migration that nobody wants to have run. */
async function destruction({ cluster, empty }: Ground, random: Random): Promise<readonly string[]> {
  const client = await clientOf(cluster, empty.database, empty.user, empty.password);
  try {
    const { rows } = await client.query<{
      name: string;
    }>(`SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_has_role(c.relowner, 'USAGE') AND c.relname <> '_prisma_migrations'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`);
    const tables = rows.map(({ name }) => name);
    const verbs = [
      'DROP TABLE IF EXISTS # CASCADE',
      'TRUNCATE # CASCADE',
      'DELETE FROM #',
      'ALTER TABLE # ADD ruined integer DEFAULT 1',
    ];
    return Array.from({ length: 8 }, (_, number) =>
      (number === 0 ? (verbs[0] ?? '') : random.pick(verbs)).replace('#', () => random.pick(tables)),
    );
  } finally {
    await client.end();
  }
}
