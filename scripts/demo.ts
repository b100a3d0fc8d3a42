import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { formatCount, formatDuration } from '../src/report/quantity.ts';
import { startPostgres, type ThrowawayCluster } from '../test/support/postgres.ts';
import { type ActionResult, startAction } from '../test/support/runner.ts';
import { compareStates, readState, totalRows } from './demo/database-state.ts';
import { chooseEngine, type Engine } from './demo/engine.ts';
import { copyErpProject, type ErpProject } from './demo/erp-project.ts';
import { announceMissing, setUpSystem } from './setup-system.mjs';

const database = 'applizor_erp';
const bucket = 'applizor-backups';

function say(line = ''): void {
  console.log(line);
}

function title(line: string): void {
  say(`\n${line}\n${'='.repeat(line.length)}`);
}

/** Everything the demo works with; gone when the stack is disposed. */
interface Stage {
  readonly stack: AsyncDisposableStack;
  /** Aborted by Ctrl-C. */
  readonly interruption: AbortSignal;
  readonly cluster: ThrowawayCluster;
  readonly project: ErpProject;
  readonly engine: Engine;
  readonly password: string;
  readonly databaseUrl: string;
  readonly storage: string;
  /** Where log, summary and report of both runs are left for the person to read. */
  readonly results: string;
}

async function setTheStage(stack: AsyncDisposableStack, interruption: AbortSignal): Promise<Stage> {
  const scratch = await mkdtemp(join(tmpdir(), 'safe-migrate-demo-'));
  stack.defer(() => rm(scratch, { recursive: true, force: true, maxRetries: 3 }));
  const project = await copyErpProject(join(scratch, 'erp'));

  // Registered before they are awaited: a Ctrl-C while one of them starts must find it as well.
  const startingS3 = startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  stack.defer(async () => (await startingS3).stop());
  const startingPostgres = startPostgres();
  stack.defer(async () => (await startingPostgres)[Symbol.asyncDispose]());
  const [cluster, s3, engine] = await Promise.all([
    startingPostgres,
    startingS3,
    chooseEngine(project.folder),
  ]);
  s3.createBucket(bucket);

  // Not the user's name: the runner masks the password wherever it turns up.
  const password = randomBytes(12).toString('hex');
  await cluster.createRole('applizor', { password });
  await cluster.createDatabase(database, 'applizor');
  const endpoint = encodeURIComponent(`http://127.0.0.1:${s3.port}`);
  const results = await mkdtemp(join(tmpdir(), 'safe-migrate-demo-results-'));
  // They stay for the person to read, also after a failure; half of a run is of no use to anybody.
  stack.defer(async () => {
    if (interruption.aborted) await rm(results, { recursive: true, force: true });
  });
  return {
    stack,
    interruption,
    cluster,
    project,
    engine,
    results,
    password,
    databaseUrl: cluster.url({ database, user: 'applizor', password }),
    storage: `s3://${bucket}/erp?region=us-east-1&endpoint=${endpoint}`,
  };
}

async function fillDatabase({ cluster, project, engine, databaseUrl, password }: Stage): Promise<void> {
  await project.prisma(['migrate', 'deploy'], databaseUrl, engine);
  await cluster.psql(database, await project.seedSql(), { user: 'applizor', password });
}

/** Runs the bundle in dist/ the way the runner does and leaves what it wrote in a folder of its own. */
async function deploy(stage: Stage, name: string): Promise<ActionResult> {
  const folder = join(stage.results, name);
  await mkdir(folder);
  const run = await startAction({
    workspace: stage.project.folder,
    inputs: { 'database-url': stage.databaseUrl, storage: stage.storage },
    secrets: [stage.databaseUrl],
    env: {
      ...stage.engine.env,
      AWS_ACCESS_KEY_ID: 'demo-access-key',
      AWS_SECRET_ACCESS_KEY: 'demo-secret-key',
      DATABASE_URL: stage.databaseUrl,
    },
  });
  stage.stack.use(run);
  const result = await run.finished;
  stage.interruption.throwIfAborted();
  await writeFile(join(folder, 'log.txt'), `${result.log}\n`);
  await writeFile(join(folder, 'summary.md'), result.summary);
  const report = result.outputs.report;
  if (report !== undefined && existsSync(report)) await copyFile(report, join(folder, 'report.json'));
  say(result.visibleLog.trim());
  say(`\nresult=${result.outputs.result ?? '(none)'}, the job ${result.exitCode === 0 ? 'passes' : 'fails'}`);
  return result;
}

function expectResult(result: ActionResult, expected: string): void {
  const actual = result.outputs.result ?? '(none)';
  if (actual !== expected)
    throw new Error(`expected result=${expected}, got ${actual}; the whole log:\n${result.log}`);
}

async function play(stage: Stage): Promise<void> {
  const { cluster, project } = stage;
  title('A migration that works: add_quotation_templates');
  await project.merge('add_quotation_templates');
  expectResult(await deploy(stage, '1-add_quotation_templates'), 'migrated');

  title('A migration that fails half-way: split_customer_name');
  const before = await readState(cluster, database);
  await project.merge('split_customer_name');
  const failed = await deploy(stage, '2-split_customer_name');
  expectResult(failed, 'restored');
  const after = await readState(cluster, database);

  title('Before and after, measured by this demo');
  const { lines, equal } = compareStates(before, after);
  for (const line of lines) say(line);
  say(
    `${formatCount(totalRows(after))} rows; what the migration left is kept, closed, as ${failed.outputs['failed-database']}`,
  );
  if (!equal) throw new Error('the database is not what it was before the failed migration');
  say(`The database is what it was; it took ${failed.outputs['recovery-seconds']} s to bring it back.`);
}

async function main(): Promise<void> {
  const missing = await setUpSystem(['postgresql']);
  if (missing.length > 0) {
    announceMissing(missing);
    process.exitCode = 1;
    return;
  }
  const startedAt = performance.now();
  const stack = new AsyncDisposableStack();
  const interruption = new AbortController();
  let cleaning: Promise<void> | undefined;
  const cleanUp = () => {
    cleaning ??= stack.disposeAsync();
    return cleaning;
  };
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      say('\nstopping, cleaning up');
      interruption.abort();
      void cleanUp().finally(() => process.exit(exitCode));
    });
  }
  try {
    say('Starting a throwaway PostgreSQL and an S3 server on this machine.');
    const stage = await setTheStage(stack, interruption.signal);
    say(`Migrations run with ${stage.engine.description}.`);
    await fillDatabase(stage);
    say(
      `Database ${database}: examples/erp with ${formatCount(totalRows(await readState(stage.cluster, database)))} rows.`,
    );
    await play(stage);
    title('To read');
    say('Log, job summary and report of both runs:');
    const files = await readdir(stage.results, { recursive: true, withFileTypes: true });
    const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    for (const path of paths.toSorted()) say(`  ${path}`);
    say(`Engine: ${stage.engine.description}.`);
  } catch (error) {
    // A person's Ctrl-C takes the servers away under the demo; what fails then is no news.
    if (!interruption.signal.aborted) {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 1;
    }
  } finally {
    await cleanUp();
  }
  say(`Cleaned up. The demo took ${formatDuration(performance.now() - startedAt)}.`);
}

await main();
