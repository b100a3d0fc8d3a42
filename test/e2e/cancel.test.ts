import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import type { DatabaseState } from '../support/database-state.ts';
import { addQuotations } from '../support/erp.ts';
import { expectNothingLeft, readReport } from '../support/refusal.ts';
import type { ActionResult, ActionRun } from '../support/runner.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

const pending = { '20260103000000_add_quotations': addQuotations };

async function until(condition: () => Promise<boolean>, timeoutMs = 150_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
    await sleep(50);
  }
}

/** Whether a session in the target is at work on something that looks like `query`. */
const isRunning = (world: World, query: string, more = 'true') =>
  until(async () => {
    const sql = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${world.database}' AND state = 'active' AND query ~ '${query}' AND ${more}`;
    return (await world.cluster.psql('postgres', sql)) !== '0';
  });

/** Cancels as the runner does, and holds the run to have ended by itself before it is killed after 10 s. */
async function cancel(run: ActionRun): Promise<ActionResult> {
  const result = await run.cancel();
  expect({ exitCode: result.exitCode, signal: result.signal }, result.log).toEqual({
    exitCode: 1,
    signal: null,
  });
  return result;
}

/** Refused, and the world as it was. */
async function expectUnharmed(world: World, before: DatabaseState, run: ActionRun): Promise<void> {
  const result = await run.finished;
  expect(result.outputs, result.log).toMatchObject({ result: 'refused', 'recovery-method': 'none' });
  const { problems } = await readReport(result);
  expect(
    problems.map(({ code }) => code),
    result.log,
  ).toEqual(['SM_CANCELLED']);
  expect(
    [...(await run.filesWritten()).keys()].filter((path) => path.includes('safe-migrate-work-')),
  ).toEqual([]);
  expect(await world.state()).toEqual(before);
  await expectNothingLeft(world);
}

describe('a cancelled migrate', () => {
  it('ends at once and leaves nothing behind while pg_dump waits for a lock', async () => {
    await using world = await createWorld({ pending });
    const before = await world.state();
    const client = new pg.Client({ connectionString: world.url });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE "Note" IN ACCESS EXCLUSIVE MODE');
    try {
      await using run = await world.startMigrate();
      await isRunning(
        world,
        'LOCK TABLE',
        `application_name = 'safe-migrate dump' AND wait_event_type = 'Lock'`,
      );
      await isRunning(world, '.', `application_name = 'safe-migrate snapshot' AND wait_event_type = 'Lock'`);
      await cancel(run);
      await client.query('ROLLBACK');
      await expectUnharmed(world, before, run);
    } finally {
      await client.end();
    }
  });

  it('aborts an upload that is on its way', async () => {
    await using world = await createWorld({
      pending,
      // Some 60 MB after compression: several parts.
      rows: `INSERT INTO "Note" ("text") SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30000) n, generate_series(1, 100) m GROUP BY n;`,
    });
    const ceph = await sharedCeph();
    const before = await world.state();
    await using run = await world.startMigrate();
    await until(async () => (await ceph.contents(world.bucket)).uploads.some((key) => key.endsWith('.dump')));
    await cancel(run);
    await expectUnharmed(world, before, run);
  });

  it('drops the copy that it has begun', async () => {
    await using world = await createWorld({
      pending,
      rows: `INSERT INTO "Note" ("text") SELECT repeat(md5(n::text), 4) FROM generate_series(1, 400000) n;`,
    });
    const before = await world.state();
    await using run = await world.startMigrate();
    await until(async () => (await world.copies()).some((name) => name.includes('__fallback_')));
    await cancel(run);
    await expectUnharmed(world, before, run);
  });

  it('drops the copy and keeps the backup when it waits for a table just before the migration', async () => {
    await using world = await createWorld({ pending });
    const before = await world.state();
    const client = new pg.Client({ connectionString: world.url });
    await client.connect();
    try {
      // Every table is read once more then, to see whether the application has written to it.
      await using run = await world.startMigrate({ inputs: { 'on-new-writes': 'stop' } });
      await run.waitForLog(/^dump /m, 150_000);
      await client.query('BEGIN; LOCK TABLE "Note" IN ACCESS EXCLUSIVE MODE');
      await run.waitForLog(/^store /m, 150_000);
      await isRunning(world, '.', `application_name = 'safe-migrate snapshot' AND wait_event_type = 'Lock'`);
      const result = await cancel(run);
      await client.query('ROLLBACK');
      expect(result.outputs, result.log).toMatchObject({ result: 'refused', 'restore-proved': 'true' });
      expect((await readReport(result)).problems).toMatchObject([{ code: 'SM_CANCELLED', phase: 'migrate' }]);
      expect(await world.state()).toEqual(before);
      expect(await world.copies()).toEqual([]);
      expect((await world.stored()).size).toBe(3);
    } finally {
      await client.end();
    }
  });

  it('brings the target back when the migration has begun', async () => {
    await using world = await createWorld({
      pending: {
        '20260103000000_slow': 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(30);',
      },
    });
    const before = await world.state();
    await using run = await world.startMigrate();
    await isRunning(world, '^\\s*SELECT pg_sleep');
    const result = await cancel(run);
    expect(result.outputs, result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'failed-migration': '20260103000000_slow',
    });
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([result.outputs['failed-database']]);
  });
});

describe('a cancel', () => {
  it('reaches a preflight that waits for a lock on the migration history', async () => {
    await using world = await createWorld({ pending });
    const before = await world.state();
    const client = new pg.Client({ connectionString: world.url });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE "_prisma_migrations" IN ACCESS EXCLUSIVE MODE');
    try {
      await using run = await world.startMigrate();
      await isRunning(world, '_prisma_migrations', `wait_event_type = 'Lock'`);
      await cancel(run);
      await client.query('ROLLBACK');
      await expectUnharmed(world, before, run);
    } finally {
      await client.end();
    }
  });
});

it('ends a migration that takes longer than migration-timeout-minutes, and brings the target back', async () => {
  await using world = await createWorld({
    pending: {
      '20260103000000_slow': 'ALTER TABLE "Customer" ADD COLUMN "x" INTEGER;\nSELECT pg_sleep(120);',
    },
  });
  const before = await world.state();
  await using run = await world.startMigrate({ inputs: { 'migration-timeout-minutes': '0.2' } });
  const result = await run.finished;
  expect(result.outputs, result.log).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
  expect((await readReport(result)).problems).toMatchObject([{ code: 'SM_MIGRATION_TIMEOUT' }]);
  expect(await world.state()).toEqual(before);
});
