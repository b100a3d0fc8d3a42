import { expect, test } from 'vitest';
import { installOwnExtensions } from '../proof/grammar/own-extensions.ts';
import { judgeOne } from '../proof/judge-all.ts';
import { clientToolsFor } from '../support/client-tools.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

test('a random database comes back from a migration that destroys, and from a rollback, as the oracle saw it before', async () => {
  const cluster = await sharedPostgres(15);
  await installOwnExtensions(cluster);
  const task = { id: 'short d', seed: 'short d', major: 15, superuser: false, statements: 220, bundle: true };
  const { judgements, script } = await judgeOne(cluster, task, await clientToolsFor(15));
  const outcomes = Object.values(judgements).map(({ outcome }) => outcome);
  expect(outcomes, JSON.stringify({ judgements, script }, null, 1)).toHaveLength(3);
  for (const outcome of outcomes)
    expect(['equal', 'told'], JSON.stringify(judgements, null, 1)).toContain(outcome);
});
