import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { journalOf, until } from '../support/dead-run.ts';
import { addQuotations } from '../support/erp.ts';
import { readReport } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const name = '20260103000000_late';
const pending = { [name]: 'ALTER TABLE "Customer" ADD COLUMN "late" INTEGER;' };

/** Prisma's lock off in `.env`, where the environment of the job does not show it. */
async function switchLockOff({ project }: World, url = "process.env['DATABASE_URL']"): Promise<void> {
  const dotenv = fileURLToPath(new URL('../../node_modules/dotenv', import.meta.url));
  await symlink(dotenv, join(project.directory, 'node_modules', 'dotenv'));
  await writeFile(join(project.directory, '.env'), 'PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK=1\n');
  await writeFile(
    join(project.directory, 'prisma.config.ts'),
    `import 'dotenv/config';
import { defineConfig } from 'prisma/config';
export default defineConfig({ schema: 'prisma/schema.prisma', datasource: { url: ${url} } });
`,
  );
}

/** The application reads a table in a transaction that it leaves open: the migration waits behind it. */
async function holdCustomers(world: World): Promise<AsyncDisposable & { end(): Promise<void> }> {
  const client = new pg.Client({ connectionString: world.url, application_name: 'erp' });
  client.on('error', () => {});
  await client.connect();
  await client.query('BEGIN; SELECT count(*) FROM "Customer"');
  const end = async () => {
    await client.query('COMMIT');
    await client.end();
  };
  return { end, [Symbol.asyncDispose]: () => client.end().catch(() => {}) };
}

const waits = (world: World, more = 'true') =>
  until(
    world,
    `EXISTS (SELECT FROM pg_stat_activity WHERE datname = '${world.database}' AND query ~ 'ADD COLUMN "late"' AND wait_event_type = 'Lock' AND ${more})`,
  );

/** Nothing of the migration is at work any more, so that the end of the application's transaction lets nothing in. */
async function expectNothingLater(
  world: World,
  before: Awaited<ReturnType<World['state']>>,
  blocker: { end(): Promise<void> },
): Promise<void> {
  const sessions = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${world.database}' AND application_name <> 'erp'`;
  expect(await world.cluster.psql('postgres', sessions)).toBe('0');
  await blocker.end();
  expect(await world.state()).toEqual(before);
}

describe("a migration that waits behind the application, with Prisma's lock switched off, never commits later", () => {
  it('when it runs into its time limit', async () => {
    await using world = await createWorld({ pending });
    await switchLockOff(world);
    const before = await world.state();
    await using blocker = await holdCustomers(world);
    await using run = await world.startMigrate({ inputs: { 'migration-timeout-minutes': '0.25' } });
    await waits(world, `application_name ~ '^safe-migrate migrate '`);
    const { outputs, log, visibleLog } = await run.finished;
    expect(outputs, log).toMatchObject({ result: 'restored', 'recovery-method': 'history' });
    expect(visibleLog).toMatch(/warning: Prisma's advisory lock was not seen while it ran/);
    const { recovery } = await readReport(await run.finished);
    expect(recovery?.evidence).toMatchObject({ lock: 'not-seen', contents: 'as-before' });
    await expectNothingLater(world, before, blocker);
  });

  it('when the run is cancelled, and the URL that its Prisma uses gives its sessions another name', async () => {
    await using world = await createWorld({ pending });
    await switchLockOff(world, JSON.stringify(`${world.url}?application_name=erp+deploys`));
    const before = await world.state();
    await using blocker = await holdCustomers(world);
    await using run = await world.startMigrate();
    await waits(world, `application_name = 'erp deploys'`);
    const { outputs, log } = await run.cancel();
    expect(outputs, log).toMatchObject({ result: 'restored', 'recovery-method': 'history' });
    await expectNothingLater(world, before, blocker);
  });

  it('when the run is killed, and the next one finishes it', async () => {
    await using world = await createWorld({ pending });
    await switchLockOff(world);
    const before = await world.state();
    await using blocker = await holdCustomers(world);
    await using dying = await world.startMigrate();
    await waits(world);
    const { run } = (await journalOf(world)) ?? {};
    await dying.killTree();
    await waits(world);
    await world.project.writeMigration(name, addQuotations);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect((await readReport(next.result)).earlierRun).toMatchObject({ run, outcome: 'restored' });
    await blocker.end();
    const columns = `SELECT count(*) FROM pg_attribute WHERE attrelid = '"Customer"'::regclass AND attname = 'late'`;
    expect(await world.psql(columns)).toBe('0');
    const { tables } = await world.state();
    expect(tables['public."Customer"']).toBe(before.tables['public."Customer"']);
  });
});
