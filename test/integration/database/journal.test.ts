import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../../src/database/database.ts';
import type { JournalEntry } from '../../../src/database/journal.ts';
import { coordinationName } from '../../../src/database/postgres/copy/copy-name.ts';
import { openDatabase } from '../../../src/database/postgres/database.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const holder = { run: 'run1', description: 'owner/repo run 7', startedAt: '2026-11-22T14:25:00.123Z' };

const entry: JournalEntry = {
  version: 1,
  run: 'run1',
  command: 'migrate',
  phase: 'dump',
  targetOid: 1,
  comment: `the team's "böoks" \\ 本`,
  backupId: 'backup_20261122_142500Z_x',
  dump: null,
  fallback: null,
  historySchema: 'public',
  migrations: [],
  baseline: null,
  afterMigrateOwed: false,
  because: null,
};

async function open(url: string): Promise<Database> {
  const { target } = parsePostgresUrl(url, { directory: '/' });
  if (target === null) throw new Error('no target');
  return openDatabase(target);
}

describe('the journal', () => {
  test('is what the holder of the lock wrote, for everybody and after his end, until he clears it', async () => {
    const { database: name, url, user } = await cluster.createOwnedDatabase('journal');
    await using database = await open(url);
    expect(await database.openJournal()).toBeNull();
    {
      await using lock = await database.lock(holder);
      await lock.writeJournal({ run: 'run1', isOpen: false, entry });
      await lock.writeJournal({ run: 'run1', isOpen: true, entry: { ...entry, phase: 'prove' } });
    }
    // Without its lock as well, and for a role that may not even connect there.
    const colleague = `${user}_2`;
    await cluster.createRole(colleague);
    await using other = await open(cluster.url({ database: name, user: colleague }));
    const { at, ...standing } = (await other.openJournal()) ?? { at: '' };
    expect(standing).toEqual({ ...entry, phase: 'prove' });
    expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
    expect(await cluster.databases()).toContain(coordinationName(name));
    {
      await using lock = await database.lock({ ...holder, run: 'run2' });
      await lock.writeJournal({ run: 'run1', isOpen: true, entry: null });
    }
    expect(await database.openJournal()).toBeNull();
    expect(await cluster.databases()).not.toContain(coordinationName(name));
  });

  test('of another run is never written over, and a closed one is not opened again by surprise', async () => {
    const { url } = await cluster.createOwnedDatabase('journal');
    await using database = await open(url);
    await using lock = await database.lock(holder);
    await lock.writeJournal({ run: 'run1', isOpen: false, entry });
    const other = { ...entry, run: 'run2' };
    for (const isOpen of [true, false]) {
      await expect(lock.writeJournal({ run: 'run2', isOpen, entry: other })).rejects.toMatchObject({
        code: 'SM_JOURNAL_TAKEN',
      });
    }
    await lock.writeJournal({ run: 'run1', isOpen: true, entry: null });
    await expect(lock.writeJournal({ run: 'run1', isOpen: true, entry })).rejects.toMatchObject({
      code: 'SM_JOURNAL_TAKEN',
    });
    expect(await database.openJournal()).toBeNull();
  });

  test('cannot be written without the lock', async () => {
    const { database: name, url } = await cluster.createOwnedDatabase('journal');
    await using database = await open(url);
    await using lock = await database.lock(holder);
    await cluster.psql(
      'postgres',
      `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '${coordinationName(name)}'`,
    );
    await expect(lock.writeJournal({ run: 'run1', isOpen: false, entry })).rejects.toMatchObject({
      code: 'SM_LOCK_LOST',
    });
    expect(await database.openJournal()).toBeNull();
  });

  test('holds five hundred migrations', async () => {
    const { url } = await cluster.createOwnedDatabase('journal');
    await using database = await open(url);
    await using lock = await database.lock(holder);
    const migrations = Array.from({ length: 500 }, (_, index) => ({
      name: `2026010100${index}_a_name_of_the_length_that_people_give_to_migrations`,
      checksums: ['0', '1', '2'].map((digit) => digit.repeat(64)),
    }));
    await lock.writeJournal({ run: 'run1', isOpen: false, entry: { ...entry, migrations } });
    expect(await database.openJournal()).toMatchObject({ migrations });
  });

  test('in a coordination database of another role is refused with what to do', async () => {
    const { database: name, url } = await cluster.createOwnedDatabase('journal');
    await using database = await open(url);
    const coordination = coordinationName(name);
    await cluster.psql('postgres', `CREATE DATABASE "${coordination}" TEMPLATE template0`);
    await using lock = await database.lock(holder);
    await expect(lock.writeJournal({ run: 'run1', isOpen: false, entry })).rejects.toMatchObject({
      code: 'SM_JOURNAL',
    });
    await lock[Symbol.asyncDispose]();
    await cluster.psql('postgres', `DROP DATABASE "${coordination}"`);
  });

  test('of a later version stops everybody', async () => {
    const { database: name, url } = await cluster.createOwnedDatabase('journal');
    await using database = await open(url);
    {
      await using lock = await database.lock(holder);
      await lock.writeJournal({ run: 'run1', isOpen: false, entry });
    }
    const coordination = coordinationName(name);
    await cluster.psql(
      'postgres',
      `DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', '${coordination}',
         replace((SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${coordination}'),
                 '"version":1', '"version":2')); END $$`,
    );
    await expect(database.openJournal()).rejects.toMatchObject({ code: 'SM_JOURNAL_UNREADABLE' });
    await cluster.psql('postgres', `DROP DATABASE "${coordination}"`);
  });
});
