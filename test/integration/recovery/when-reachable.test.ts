import { expect, test } from 'vitest';
import { z } from 'zod';
import { whenReachable } from '../../../src/recovery/journal/when-reachable.ts';
import { startPostgres } from '../../support/postgres.ts';
import { recordingLog } from '../database/proving.ts';
import { openTarget } from './ground.ts';

const answer = z.object({ answer: z.number() });

test('a server that crashed with the migration is asked again until it is back', async () => {
  await using cluster = await startPostgres();
  const { url } = await cluster.createOwnedDatabase('crashed');
  await using database = await openTarget(url);
  const ask = () => database.query('SELECT 42 AS "answer"', answer);
  expect(await ask()).toEqual([{ answer: 42 }]);

  await cluster.stop('immediate');
  const { log, lines } = recordingLog();
  const asking = whenReachable(ask, log, 60_000);
  // The session that broke, and at least one that is refused.
  await expect.poll(() => lines, { timeout: 20_000 }).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await cluster.start();
  expect(await asking).toEqual([{ answer: 42 }]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('trying again for up to 60 s');
});

test('a server that stays away ends the waiting with its own error', async () => {
  await using cluster = await startPostgres();
  const { url } = await cluster.createOwnedDatabase('away');
  await using database = await openTarget(url);
  await cluster.stop('fast');
  const asking = whenReachable(
    () => database.query('SELECT 42 AS "answer"', answer),
    recordingLog().log,
    2_000,
  );
  await expect(asking).rejects.toMatchObject({ code: 'SM_UNREACHABLE' });
});
