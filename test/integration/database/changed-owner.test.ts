import { beforeAll, expect, test } from 'vitest';
import type { Database, Fallback, Fingerprint } from '../../../src/database/database.ts';
import type { JournalEntry } from '../../../src/database/journal.ts';
import { openDatabase } from '../../../src/database/postgres/database.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { type Backup, recordingLog, serverOf, takeBackup } from './proving.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

async function open(url: string): Promise<Database> {
  const { target } = parsePostgresUrl(url, { directory: '/' });
  if (target === null) throw new Error('no target');
  return openDatabase(target, { evenWithoutTarget: true });
}

const entry: JournalEntry = {
  version: 1,
  run: 'r1',
  command: 'migrate',
  phase: 'dump',
  targetOid: 1,
  comment: null,
  backupId: null,
  dump: null,
  fallback: null,
  historySchema: 'public',
  migrations: [],
  baseline: null,
  afterMigrateOwed: false,
  because: null,
};

function restoreBeside(
  database: Database,
  backup: Backup,
  expected: Fingerprint = backup.fingerprint,
): Promise<Fallback> {
  return database.restoreBeside(
    {
      name: database.copyName('fallback', 'r1'),
      run: 'r1',
      dumpPath: backup.dumpPath,
      expected,
      expectedSchemaText: backup.schemaText,
      hasPublicSchema: true,
      properties: backup.properties,
      jobs: 1,
      signal: new AbortController().signal,
    },
    recordingLog().log,
  );
}

test('a migration that gives the target to somebody else leaves the run its journal, its copy and its lock', async () => {
  const { database: name, user: owner } = await cluster.createOwnedDatabase('given');
  await cluster.psql(name, 'CREATE TABLE notes (id int)', { user: owner });
  await using backup = await takeBackup(await serverOf(cluster.url({ database: name })));
  await using database = await open(cluster.url({ database: name }));
  const lock = await database.lock({ run: 'r1', description: 'x', startedAt: '2026-11-22T14:25:00Z' });
  await lock.writeJournal({ run: 'r1', isOpen: false, entry });
  const copy = await restoreBeside(database, backup);
  const heir = `${owner}_heir`;
  await cluster.createRole(heir);
  await cluster.psql('postgres', `ALTER DATABASE "${name}" OWNER TO "${heir}"`);
  await lock.writeJournal({ run: 'r1', isOpen: true, entry: { ...entry, phase: 'migrate' } });
  await database.dropCopy(copy.name);
  await lock.writeJournal({ run: 'r1', isOpen: true, entry: null });
  await lock[Symbol.asyncDispose]();
  expect((await cluster.databases()).filter((each) => each.startsWith(name))).toEqual([name]);
});

test.each([
  ['has another owner than its backup had', false, 'superuser'],
  ['is gone', true, 'superuser'],
  ['is gone', true, 'owner'],
] as const)(
  'a target that %s is brought back to the backup, and copies of it are dropped (gone: %s, by its %s)',
  async (_, isGone, as) => {
    const { database: name, user: owner } = await cluster.createOwnedDatabase('back');
    await cluster.psql(name, 'CREATE TABLE notes (id int); INSERT INTO notes VALUES (1)', { user: owner });
    const url =
      as === 'owner' ? cluster.url({ database: name, user: owner }) : cluster.url({ database: name });
    await using backup = await takeBackup(await serverOf(url));
    const heir = `${owner}_heir`;
    await cluster.createRole(heir);
    await cluster.psql(
      'postgres',
      isGone ? `DROP DATABASE "${name}"` : `ALTER DATABASE "${name}" OWNER TO "${heir}"`,
    );
    await using database = await open(url);
    await using _lock = await database.lock({
      run: 'r1',
      description: 'x',
      startedAt: '2026-11-22T14:25:00Z',
    });
    const { log } = recordingLog();
    const restore = (expected?: Fingerprint) => restoreBeside(database, backup, expected);
    // One that does not come out right is dropped by the run that made it.
    const tables = backup.fingerprint.tables.map((table) => ({ ...table, rows: table.rows + 1 }));
    await expect(restore({ ...backup.fingerprint, tables })).rejects.toMatchObject({ code: 'SM_NOT_EQUAL' });
    expect((await cluster.databases()).filter((each) => each.startsWith(`${name}__fallback`))).toEqual([]);

    const copy = await restore();
    const { properties } = backup;
    if (isGone) await database.takeName({ fallback: copy, properties, journal: null });
    else {
      const targetOid = (await database.oidOf(name)) ?? 0;
      const { name: failedName, run } = await database.failedPlace('r1');
      await database.swap({ targetOid, fallback: copy, failedName, properties, run, journal: null }, log);
    }
    expect(await database.oidOf(name)).toBe(copy.oid);
    expect(await cluster.psql(name, 'SELECT count(*) FROM notes', { user: owner })).toBe('1');
    // What belonged to the other owner is told, and left to a person.
    const foreign = await database.foreignDatabases();
    expect(foreign.map((each) => each.owner)).toEqual(isGone ? [] : [heir]);
  },
);
