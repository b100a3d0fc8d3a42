import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/world.ts';

/** One statement that changes rows and takes a moment, so that its client can be gone before its answer comes. */
const slowUpdate = `UPDATE "Customer" SET "name" = "name" || '!' FROM (SELECT pg_sleep(2)) AS moment;`;

describe('a migration whose client is gone before the answer', () => {
  it('is undone by swap, because the server may have finished it alone', async () => {
    await using world = await createWorld({ pending: { '20260103000000_mark': slowUpdate } });
    const before = await world.state();
    await using run = await world.startMigrate();
    const isRunning = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${world.database}' AND state = 'active' AND query ~ '^UPDATE "Customer"'`;
    while ((await world.cluster.psql('postgres', isRunning)) === '0') await sleep(20);
    const result = await run.cancel();
    // One row of the history is unfinished and the catalogs are as before: only the error is missing.
    expect(result.outputs, result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'failed-migration': '20260103000000_mark',
    });
    expect(await world.state()).toEqual(before);
  });
});
