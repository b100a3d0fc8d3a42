import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { holdDatabase, until } from '../support/dead-run.ts';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { startPostgres } from '../support/postgres.ts';
import { createWorld } from '../support/world.ts';

it('recovers by swap when the server crashes in the middle of a migration and starts again', async () => {
  await using cluster = await startPostgres();
  await using world = await createWorld({
    cluster,
    pending: {
      '20260103000000_slow': `${splitNameFails.replace(/ALTER TABLE .* SET NOT NULL;/, '')}SELECT pg_sleep(60);`,
    },
  });
  const before = await world.state();
  await using run = await world.startMigrate();
  await expect
    .poll(
      () =>
        cluster.psql(
          'postgres',
          `SELECT count(*) FROM pg_stat_activity WHERE datname = '${world.database}' AND query LIKE '%pg_sleep(60)%' AND state = 'active'`,
        ),
      { timeout: 30_000, interval: 200 },
    )
    .toBe('1');
  await cluster.stop('immediate');
  await sleep(1_000);
  await cluster.start();
  const result = await run.finished;
  expect(result.outputs, result.log).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
  expect(result.exitCode).toBe(1);
  expect(await world.state()).toEqual(before);
  expect(await world.copies()).toEqual([result.outputs['failed-database']]);
});

it.each([
  ['goes on when the server is back', false],
  ['has died as well, and the next run finishes', true],
])(
  'leaves one whole set of names when the server stops in the middle of the swap: the run %s',
  async (_, dies) => {
    await using cluster = await startPostgres();
    await using world = await createWorld({
      cluster,
      pending: { '20260103000000_bad': 'DROP TABLE "Note";\nSELECT 1/0;' },
    });
    const before = await world.state();
    await using run = await world.startMigrate();
    await run.waitForLog(/^store /m);
    const [fallback = ''] = (await world.copies()).filter((name) => name.includes('__fallback_'));
    {
      // Keeps the second rename waiting, so that the transaction is in its middle.
      await using _held = await holdDatabase(world, fallback);
      await until(
        world,
        `EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'another database bears the name')`,
      );
      if (dies) await run.killTree();
      await cluster.stop('immediate');
    }
    await cluster.start();
    // Whichever came first, the stop or the commit: nothing is half done.
    expect(await cluster.databases()).toContain(world.database);

    if (!dies) {
      const result = await run.finished;
      expect(result.outputs, result.log).toMatchObject({ result: 'restored', 'recovery-method': 'swap' });
      expect(await world.state()).toEqual(before);
      return;
    }
    await world.project.writeMigration('20260103000000_bad', addQuotations);
    await using next = await world.migrate();
    expect(next.result.outputs, next.result.log).toMatchObject({ result: 'migrated' });
    expect(next.result.visibleLog).toMatch(/an earlier run was unfinished and is finished now: .*swap/);
    const { tables } = await world.state();
    expect(tables).toMatchObject({ 'public."Note"': before.tables['public."Note"'] });
  },
);
