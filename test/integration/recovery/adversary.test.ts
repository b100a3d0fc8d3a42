import { beforeAll, expect, test } from 'vitest';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import { kindCount, letLoose } from '../../adversary/let-loose.ts';
import { cases } from '../../support/cases.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

beforeAll(loadParser);

test('hostile scripts end in the state before, or were confirmed by the migrator itself', async ({
  annotate,
}) => {
  expect(kindCount).toBeGreaterThanOrEqual(40);
  const judged = await letLoose(await sharedPostgres(), { seed: '1', from: 8, to: 8 + cases(4) });
  const results = judged.map(({ result, method }) => `${result} ${method ?? ''}`.trim());
  await annotate(
    Object.entries(Object.groupBy(results, (each) => each))
      .map(([each, list]) => `${each}: ${list?.length}`)
      .join(', '),
  );
  expect(judged.filter(({ wrong }) => wrong !== null)).toEqual([]);
});
