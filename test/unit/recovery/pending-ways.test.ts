import { beforeAll, describe, expect, test } from 'vitest';
import { loadParser } from '../../../src/lint/parse-sql.ts';
import type { Migrator } from '../../../src/prisma/migrator.ts';
import { pendingWays } from '../../../src/recovery/pending-ways.ts';

beforeAll(loadParser);

const wayOf = (
  script: string,
  more: Partial<Pick<Migrator, 'kind' | 'version'>> & { recovery?: 'swap'; eventTriggers?: true } = {},
) => {
  const migrations = [{ name: '1', path: '1', checksums: [], script }];
  const { kind = 'prisma', version = '7.10.1', recovery = 'auto', eventTriggers = false } = more;
  const [way] = pendingWays({ kind, version, migrations }, ['1'], { recovery, eventTriggers });
  return way;
};

describe('the way back that a pending migration leaves open', () => {
  test.each([
    ['history', 'only DDL', 'CREATE TABLE a (id int);\nALTER TABLE a ADD COLUMN b int;', {}],
    [
      'swap',
      'DDL where event triggers run',
      'CREATE TABLE a (id int); DROP TABLE b;',
      { eventTriggers: true },
    ],
    ['history', 'one statement', `UPDATE a SET b = 1;`, {}],
    ['swap', 'two statements, sent one by one', `UPDATE a SET b = 1; UPDATE a SET b = 2;`, {}],
    [
      'history',
      'two statements, sent as one',
      `UPDATE a SET b = 1; UPDATE a SET b = 2;`,
      { version: '6.19.0' },
    ],
    ['swap', 'what no rollback undoes', `SELECT setval('s', 1);`, { version: '6.19.0' }],
    ['swap', 'recovery: swap', 'CREATE TABLE a (id int);', { recovery: 'swap' }],
  ] as const)('is %s for %s', (way, _, script, more) => {
    expect(wayOf(script, more)?.way).toBe(way);
  });

  test('is history only with every table read where the script could write the history, or a command migrates', () => {
    const read = { way: 'history', because: expect.stringContaining('every table still holds') };
    expect(wayOf('DELETE FROM "_prisma_migrations";')).toMatchObject(read);
    expect(wayOf('SELEKT')).toMatchObject(read);
    expect(wayOf(`DO $$ BEGIN EXECUTE 'SELECT 1'; END $$;`)).toMatchObject(read);
    expect(wayOf('CREATE TABLE a (id int);', { kind: 'command' })).toMatchObject(read);
  });
});
