import { expect, test } from 'vitest';
import { comparePrismaUrl } from '../../../src/prisma/project/compare-url.ts';
import { Secret } from '../../../src/system/secret.ts';

function compare(given: string, used: string) {
  return comparePrismaUrl(new Secret(given), new Secret(used), '/project');
}

test.each([
  ['postgresql://a:b@db/erp', 'postgres://other:secret@db:5432/erp?schema=public'],
  ['postgresql://a:b@db/er%70', 'postgresql://a:b@db/erp?connection_limit=1'],
  ['postgresql://a:b@localhost/erp?host=/run/pg', 'postgresql://a:b@localhost/erp?host=/run/pg'],
])('%s and %s are the same database', (given, used) => {
  expect(compare(given, used)).toEqual([]);
});

test.each([
  ['host', 'postgresql://a:hunter2@db/erp', 'postgresql://a:hunter2@replica/erp'],
  ['host', 'postgresql://a:hunter2@localhost/erp', 'postgresql://a:hunter2@127.0.0.1/erp'],
  ['port', 'postgresql://a:hunter2@db/erp', 'postgresql://a:hunter2@db:5433/erp'],
  ['database', 'postgresql://a:hunter2@db/erp', 'postgresql://a:hunter2@db/erp_staging'],
  ['schema', 'postgresql://a:hunter2@db/erp', 'postgresql://a:hunter2@db/erp?schema=sales'],
])('another %s is refused, and both places are named without secrets', (part, given, used) => {
  const [problem, ...more] = compare(given, used);
  expect(more).toEqual([]);
  expect(problem?.code).toBe('SM_URL_MISMATCH');
  expect(problem?.message).toContain(`(different: ${part})`);
  expect(problem?.message).not.toContain('hunter2');
});

test("what is wrong with Prisma's URL is said", () => {
  expect(compare('postgresql://a:b@db/erp', 'postgresql://a:b@db:6543/erp?pgbouncer=true')).toMatchObject([
    { code: 'SM_URL_POOLER' },
  ]);
});
