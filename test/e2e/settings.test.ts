import { expect, it } from 'vitest';
import { answers, dependent } from '../support/dependent-on-settings.ts';
import { splitNameFails } from '../support/erp.ts';
import { rollBack } from '../support/roll-back.ts';
import { createWorld } from '../support/world.ts';

const failing = '20260103000000_split_name';

it('brings back what depends on the settings of the database, after a failed migration and by rollback', async () => {
  await using world = await createWorld({ pending: { [failing]: splitNameFails } });
  const alter = (what: string) =>
    world.cluster.psql('postgres', `ALTER DATABASE "${world.database}" ${what}`);
  await alter(`SET TimeZone TO 'Asia/Tokyo'`);
  await alter(`SET default_text_search_config TO 'german'`);
  await alter(`SET statement_timeout TO '60s'`);
  await world.psql(dependent);
  const [before, answered] = [await world.state(), await world.psql(answers)];
  expect(answered.split('\n').slice(0, 6)).toEqual(['24', '500', '1', '24', '500', '1']);

  await using run = await world.migrate();
  expect(run.result.outputs, run.result.log).toMatchObject({
    result: 'restored',
    'recovery-method': 'swap',
    'restore-proved': 'true',
  });
  expect(await world.psql(answers)).toBe(answered);
  expect(await world.state()).toEqual(before);

  await alter('RESET ALL');
  await alter(`SET TimeZone TO 'America/Lima'`);
  await world.psql('REINDEX TABLE orders; REFRESH MATERIALIZED VIEW days; DELETE FROM orders WHERE id > 400');
  const { result } = await rollBack(world, { backup: run.result.outputs['backup-id'] ?? '' });
  expect(result.outputs, result.log).toMatchObject({ result: 'rolled-back' });
  expect(result.log).toContain('all equal to the manifest');
  expect(await world.psql(answers)).toBe(answered);
  expect(await world.state()).toEqual(before);
});
