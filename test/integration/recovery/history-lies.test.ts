import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import { Arena, type Bout } from '../../adversary/arena.ts';
import { differences } from '../../adversary/oracle.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let arena: Arena;
beforeAll(async () => {
  await loadParser();
  arena = await Arena.open(await sharedPostgres());
});
afterAll(() => arena[Symbol.asyncDispose]());

const goesAway = `DELETE FROM _prisma_migrations WHERE finished_at IS NULL;`;
const isApplied = `UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE finished_at IS NULL;`;
const everyRow = `UPDATE customer SET name = 'x';`;

describe('a script that writes the history itself', () => {
  const lies: readonly (readonly [string, Omit<Bout, 'mode'>, object])[] = [
    [
      'changes every row, takes its own row away and fails: is swapped back',
      { migrations: { '2': `${everyRow} ${goesAway} SELECT 1/0;` } },
      {
        result: 'restored',
        method: 'swap',
        evidence: { begun: 'yes', history: 'as-before', contents: 'changed' },
      },
    ],
    [
      'does so and is cut off before its migrator says a word: is swapped back',
      {
        migrations: { '2': `${everyRow} ${goesAway} SELECT pg_terminate_backend(pg_backend_pid());` },
        cutOff: true,
      },
      {
        result: 'restored',
        method: 'swap',
        evidence: { begun: 'maybe', historyReach: 'named', contents: 'changed' },
      },
    ],
    [
      'takes its own row away and nothing else: is untouched, because every table was read',
      { migrations: { '2': `${goesAway} SELECT 1/0;` } },
      { result: 'untouched', evidence: { begun: 'yes', contents: 'as-before' } },
    ],
    [
      'sets a sequence forward and takes its row away: is swapped back, although no table differs',
      { migrations: { '2': `SELECT setval('ticket', 5000000); ${goesAway} SELECT 1/0;` } },
      { result: 'restored', method: 'swap', evidence: { contents: 'changed' } },
    ],
    [
      'calls itself applied and fails: is not believed',
      { migrations: { '2': `${everyRow} ${isApplied} SELECT 1/0;` } },
      { result: 'restored', method: 'swap' },
    ],
    [
      'calls itself applied and ends its own session: is not believed',
      { migrations: { '2': `${everyRow} ${isApplied} SELECT pg_terminate_backend(pg_backend_pid());` } },
      { result: 'restored', method: 'swap' },
    ],
    [
      'is the first of two and takes its row away; the second, of DDL alone, fails: both are undone',
      { migrations: { '2': `${everyRow} ${goesAway}`, '3': 'ALTER TABLE nowhere ADD COLUMN x int;' } },
      { result: 'restored', method: 'swap', evidence: { newRows: 1, contents: 'changed' } },
    ],
    [
      "writes a row of somebody else's deploy: nobody else held the lock, so it is swapped back",
      {
        migrations: {
          '2': `${everyRow} INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('f', 'f', 'foreign'); SELECT 1/0;`,
        },
      },
      { result: 'restored', method: 'swap', evidence: { foreignDeploy: false } },
    ],
    [
      'removes its row by a text that it puts together in a DO block: is swapped back',
      {
        migrations: {
          '2': `DO $$ BEGIN UPDATE note SET body = 'x'; EXECUTE 'DELETE FROM _prisma' || '_migrations WHERE finished_at IS NULL'; COMMIT; END $$; SELECT 1/0;`,
        },
      },
      { result: 'restored', method: 'swap' },
    ],
  ];

  test.for(lies)('%s', async ([, bout, expected]) => {
    const outcome = await arena.fight({ ...bout, mode: 'by-statement' });
    expect(outcome).toMatchObject(expected);
    expect(differences(outcome.before, outcome.after)).toEqual([]);
  });
});

test('a script of DDL that was cut off needs no reading of tables: it can have changed none', async () => {
  const outcome = await arena.fight({
    migrations: { '2': 'ALTER TABLE nowhere ADD COLUMN x int;' },
    mode: 'by-statement',
    cutOff: true,
  });
  expect(outcome).toMatchObject({
    result: 'restored',
    method: 'history',
    evidence: { contents: 'not-compared' },
  });
});
