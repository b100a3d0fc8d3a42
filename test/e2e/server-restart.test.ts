import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { splitNameFails } from '../support/erp.ts';
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
