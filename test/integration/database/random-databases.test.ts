import { beforeAll, describe, expect, test } from 'vitest';
import { build, type Count, createEmpty, neverAccepted } from '../../proof/grammar/build.ts';
import { allKinds } from '../../proof/grammar/kinds.ts';
import { installOwnExtensions } from '../../proof/grammar/own-extensions.ts';
import { judgeOne, type Task } from '../../proof/judge-all.ts';
import { judgeEquality } from '../../proof/judge-proof.ts';
import { differences, readPicture } from '../../proof/oracle/read.ts';
import { clientToolsFor } from '../../support/client-tools.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres(15);
  await installOwnExtensions(cluster);
});

const plan = (id: string, superuser: boolean, statements = 300): Task => ({
  ...{ id, seed: id, major: 15, superuser, statements, bundle: false },
});

describe('the grammar', () => {
  test('has at least 150 kinds of statements, each with a name of its own', () => {
    expect(allKinds.length).toBeGreaterThanOrEqual(150);
    expect(new Set(allKinds.map(({ name }) => name)).size).toBe(allKinds.length);
  });

  test('makes the same database of the same seed, and none of its kinds is always rejected', async () => {
    const scripts: string[] = [];
    const counts: ReadonlyMap<string, Count>[] = [];
    for (const [seed, superuser] of [
      ['grammar a', true],
      ['grammar a', true],
      ['grammar b', true],
      ['grammar c', false],
    ] as const) {
      await using empty = await createEmpty(cluster, 'proof_grammar', superuser);
      const built = await build(cluster, empty, plan(seed, superuser));
      scripts.push(built.accepted.map(({ sql }) => sql).join(';\n'));
      counts.push(built.counts);
    }
    expect(scripts[0]).toBe(scripts[1]);
    expect(scripts[0]).not.toBe(scripts[2]);
    expect(neverAccepted(counts, 4)).toEqual([]);
  });
});

test('the oracle notices what is changed by hand, and nothing where nothing was', async () => {
  await using empty = await createEmpty(cluster, 'proof_oracle', false);
  await cluster.psql(
    empty.database,
    `CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x'); CREATE INDEX i ON t (lower(a));
     CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; COMMENT ON TABLE t IS 'c'; CREATE SEQUENCE s;`,
  );
  const before = await readPicture(cluster, empty.database);
  expect(differences(before, await readPicture(cluster, empty.database))).toEqual([]);
  await cluster.psql(
    empty.database,
    `UPDATE t SET a = 'y'; DROP INDEX i; ALTER FUNCTION f() COST 7; COMMENT ON TABLE t IS 'd'; SELECT nextval('s');
     GRANT SELECT ON t TO PUBLIC; ALTER DATABASE proof_oracle SET timezone = 'Asia/Tokyo'; ALTER TABLE t ALTER a SET STATISTICS 5`,
  );
  const found = differences(before, await readPicture(cluster, empty.database));
  expect(found.map(({ name }) => name)).toEqual([
    'answer of index public.i',
    'column public.t a',
    'comment table public.t',
    'function public.f()',
    'index public.i',
    'position of sequence public.s',
    'relation public.t',
    'rows of public.t',
    'setting TimeZone',
  ]);
  expect(judgeEquality([], found).outcome).toBe('missed');
  const told = found.map(({ name }) => `${name.split(' ').at(-1)} is not proved`);
  expect(judgeEquality([...told, 'column public.t.a', 'table public.t'], found).outcome).toBe('told');
});

test.each([
  ['short a', false],
  ['short b', true],
] as const)('the proof says of the random database "%s" what is true', async (id, superuser) => {
  const { judgements, script } = await judgeOne(cluster, plan(id, superuser), await clientToolsFor(15));
  const { outcome, refusal, differences: found } = judgements.proof ?? {};
  expect(['equal', 'told'], JSON.stringify({ refusal, found, script }, null, 1)).toContain(outcome);
});
