import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { lookAtDeploys } from '../../src/commands/preflight/look-at-deploys.ts';
import type { Database } from '../../src/database/database.ts';
import type { JournalEntry } from '../../src/database/journal.ts';
import { copyMark } from '../../src/database/postgres/copy/copy-mark.ts';
import { coordinationName } from '../../src/database/postgres/copy/copy-name.ts';
import { openDatabase } from '../../src/database/postgres/database.ts';
import { coordinationMark } from '../../src/database/postgres/lock/coordination-mark.ts';
import { parsePostgresUrl } from '../../src/database/postgres/server/url.ts';
import { prove, recordingLog, serverOf, takeBackup } from '../integration/database/proving.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

let cluster: PostgresCluster;
beforeAll(async () => {
  cluster = await sharedPostgres();
});

const holder = { run: 'run1', description: 'owner/repo run 7', startedAt: '2026-11-22T14:25:00.123Z' };

interface Place {
  readonly target: string;
  readonly owner: string;
  /** May create databases, and nothing else. */
  readonly mallory: string;
  readonly coordination: string;
  open(user?: string): Promise<Database>;
  /** Creates a database and writes a comment on it. */
  make(name: string, owner: string, comment?: string): Promise<number>;
}

async function place(): Promise<Place> {
  const { database: target, user: owner } = await cluster.createOwnedDatabase('forged');
  const mallory = `mallory_${randomBytes(4).toString('hex')}`;
  await cluster.createRole(mallory);
  await cluster.psql(target, 'CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1)', {
    user: owner,
  });
  return {
    target,
    owner,
    mallory,
    coordination: coordinationName(target),
    async open(user) {
      const { target: place } = parsePostgresUrl(
        user === undefined ? cluster.url({ database: target }) : cluster.url({ database: target, user }),
        { directory: '/' },
      );
      if (place === null) throw new Error('no target');
      return openDatabase(place);
    },
    async make(name, as, comment) {
      const by = as === 'postgres' ? {} : { user: as };
      await cluster.psql('postgres', `CREATE DATABASE "${name}" TEMPLATE template0`, by);
      if (comment !== undefined) {
        await cluster.psql(
          'postgres',
          `COMMENT ON DATABASE "${name}" IS '${comment.replaceAll("'", "''")}'`,
          by,
        );
      }
      return oidOf(name);
    },
  };
}

async function oidOf(name: string): Promise<number> {
  return Number(await cluster.psql('postgres', `SELECT oid FROM pg_database WHERE datname = '${name}'`));
}

function journalOf(entry: Partial<JournalEntry>): JournalEntry & { at: string } {
  return {
    version: 1,
    run: 'forged1',
    command: 'migrate',
    phase: 'migrate',
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
    at: new Date().toISOString(),
    ...entry,
  };
}

const quoted = (text: string): string => text.replaceAll("'", "''");

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> {
  return await work.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: { code: string; message: string; hint: string }) => error,
  );
}

describe('a coordination database that somebody else has made', () => {
  it('is followed by nobody, and the refusal names it, its owner and the statement that removes it', async () => {
    const { target, owner, mallory, coordination, open, make } = await place();
    const fallback = `${target}__fallback_forged1`;
    const oid = await make(fallback, mallory, copyMark({ kind: 'fallback', target, run: 'forged1' }));
    const journal = journalOf({
      targetOid: await oidOf(target),
      fallback: { name: fallback, oid, schemaDigest: 'x' },
    });
    await make(coordination, mallory, coordinationMark(target, journal));
    // A member of the forger's role is one who trusts him with his own things, not with the target.
    const colleague = `${owner}_2`;
    await cluster.createRole(colleague);
    await cluster.psql('postgres', `GRANT "${owner}", "${mallory}" TO "${colleague}"`);
    for (const user of [undefined, owner, colleague]) {
      await using database = await open(user);
      expect(await database.openJournal()).toBeNull();
      const { code, message, hint } = await refusalOf(database.lock(holder));
      expect(code).toBe('SM_FOREIGN_DATABASE');
      expect(message).toContain(`belongs to ${mallory}`);
      expect(hint).toContain(`DROP DATABASE "${coordination}";`);
      expect(await database.leftoverCopies()).toEqual([]);
      expect((await database.foreignDatabases()).map(({ removal }) => removal)).toEqual([
        `DROP DATABASE "${coordination}";`,
        `DROP DATABASE "${fallback}";`,
      ]);
      await expect(database.dropCopy(fallback)).rejects.toMatchObject({ code: 'SM_NOT_A_COPY' });
    }
    expect(await oidOf(fallback)).toBe(oid);

    await cluster.psql('postgres', `DROP DATABASE "${coordination}"`);
    await using database = await open(owner);
    await using lock = await database.lock(holder);
    await lock.assertHeld();
    // And nobody but those who own it gets into ours.
    await expect(cluster.psql(coordination, 'SELECT 1', { user: mallory })).rejects.toThrow(
      /permission denied/,
    );
  });

  it('of an honest run of an earlier version is understood: its superuser, its owner or a member of his made it', async () => {
    for (const maker of ['superuser', 'owner', 'member'] as const) {
      const { target, owner, coordination, open, make } = await place();
      const member = `${owner}_2`;
      await cluster.createRole(member);
      await cluster.psql('postgres', `GRANT "${owner}" TO "${member}"`);
      const role = { superuser: 'postgres', owner, member }[maker];
      await make(coordination, role, coordinationMark(target, journalOf({ phase: 'dump' })));
      await make(`${target}__fallback_forged1`, role, copyMark({ kind: 'fallback', target, run: 'forged1' }));
      for (const user of [undefined, member]) {
        await using database = await open(user);
        expect(await database.openJournal(), maker).toMatchObject({ phase: 'dump' });
        expect(await database.foreignDatabases()).toEqual([]);
        expect(await database.leftoverCopies()).toHaveLength(1);
        await using lock = await database.lock(holder);
        await lock.assertHeld();
      }
    }
  });

  it('is made by no backup role that cannot make it for the owner; what an earlier version let it make, it clears away', async () => {
    const { target, owner, mallory: backup, coordination, open, make } = await place();
    await make(coordination, backup, coordinationMark(target));
    expect((await refusalOf((await open(owner)).lock(holder))).hint).toContain(`if ${backup} runs backups`);
    await using database = await open(backup);
    {
      await using lock = await database.lock(holder);
      expect(lock.coordinationDatabase).toBeNull();
      expect(await cluster.databases()).not.toContain(coordination);
      await using other = await open(owner);
      expect((await refusalOf(other.lock({ ...holder, run: 'run2' }))).message).toContain('run run1');
    }
    await using other = await open(owner);
    await using _lock = await other.lock({ ...holder, run: 'run2' });
    expect((await refusalOf(database.lock(holder))).code).toBe('SM_LOCKED');
  });

  it.each([
    ['deep', '['.repeat(400_000)],
    [
      'huge',
      `safe-migrate {"format":1,"kind":"coordination","target":"T","journal":"${'x'.repeat(9_000_000)}"}`,
    ],
    [
      'with a prototype',
      'safe-migrate {"format":1,"kind":"coordination","target":"T","__proto__":{"journal":{}},"journal":{"__proto__":{"version":1}}}',
    ],
    ["another target's", coordinationMark('another', journalOf({}))],
  ])(
    "with a comment that is %s is ignored when it is a stranger's, and stops nobody for ever when it is the owner's",
    async (_, text) => {
      const { target, owner, mallory, coordination, open, make } = await place();
      const comment = text.replace('"T"', JSON.stringify(target));
      await make(coordination, mallory, comment);
      await using database = await open(owner);
      const started = performance.now();
      expect(await database.openJournal()).toBeNull();
      expect((await refusalOf(database.lock(holder))).code).toBe('SM_FOREIGN_DATABASE');
      expect(performance.now() - started).toBeLessThan(5_000);
      await cluster.psql('postgres', `ALTER DATABASE "${coordination}" OWNER TO "${owner}"`);
      const isOurs = comment.startsWith('safe-migrate ') && comment.includes(`"${target}"`);
      if (isOurs) expect((await refusalOf(database.openJournal())).code).toBe('SM_JOURNAL_UNREADABLE');
      else expect((await refusalOf(database.lock(holder))).code).toBe('SM_NAME_TAKEN');
    },
  );
});

describe('a journal that a member of the owner has written', () => {
  it.each([
    ["another database's name as its copy", { fallback: { name: 'payroll', oid: 1, schemaDigest: 'x' } }],
    ['a run that climbs out of a name', { run: '../../x' }],
    ['a backup that climbs out of its folder', { backupId: '../../other' }],
    ['a backup that is no folder', { backupId: '..' }],
    [
      'SQL for a time',
      { baseline: { serverTime: "now'); DROP TABLE notes; --" } as JournalEntry['baseline'] },
    ],
  ] as const)('is followed by no superuser when it holds %s', async (_, changes) => {
    const { target, owner, coordination, open, make } = await place();
    const baseline = {
      history: null,
      witness: 'x',
      writesBeforeMigration: 0,
      migrator: 'prisma',
      recovery: 'swap',
      onNewWrites: 'restore',
      serverTime: new Date().toISOString(),
    } as const;
    const entry = journalOf({ baseline, ...changes });
    if ('baseline' in changes) Object.assign(entry, { baseline: { ...baseline, ...changes.baseline } });
    await make(coordination, owner, coordinationMark(target, entry));
    await using database = await open();
    expect((await refusalOf(database.openJournal())).code).toBe('SM_JOURNAL_UNREADABLE');
  });

  it('swaps nothing in that does not belong to whoever could do so himself', async () => {
    const { target, owner, mallory, open, make } = await place();
    const fallback = `${target}__fallback_run1`;
    // A superuser's run that follows a journal does not know to whom the copy was given.
    const oid = await make(fallback, mallory);
    await cluster.psql('postgres', `ALTER DATABASE "${fallback}" ALLOW_CONNECTIONS false`);
    await using database = await open();
    await using _lock = await database.lock(holder);
    const plan = {
      targetOid: await oidOf(target),
      fallback: { name: fallback, oid },
      failedName: `${target}__failed_run1`,
      properties: { comment: null },
      run: 'run1',
      journal: null,
    };
    for (const properties of [{ comment: null }, { comment: null, owner }]) {
      const { code, message } = await refusalOf(database.swap({ ...plan, properties }, recordingLog().log));
      expect(code).toBe('SM_SWAP_FAILED');
      expect(message).toContain(`belongs to ${mallory}`);
    }
    expect(await oidOf(target)).toBe(plan.targetOid);
    await cluster.psql('postgres', `ALTER DATABASE "${fallback}" OWNER TO "${owner}"`);
    await database.swap(plan, recordingLog().log);
    expect(await oidOf(target)).toBe(oid);
  });
});

describe('a mark on a database of somebody else', () => {
  it('makes it neither a kept database nor one that is dropped, and the real one stays the newest', async () => {
    const { target, owner, mallory, open, make } = await place();
    await make(`${target}__failed_real`, owner, copyMark({ kind: 'failed', target, run: 'real' }));
    for (const run of ['zzz', '000']) {
      const at = '2099-01-01T00:00:00.000Z';
      await make(`${target}__failed_${run}`, mallory, copyMark({ kind: 'failed', target, run, at }));
    }
    // Anybody can write a comment of any length, and it must not be read.
    await cluster.psql(
      'postgres',
      `COMMENT ON DATABASE "${target}__failed_zzz" IS 'safe-migrate {${'x'.repeat(20_000_000)}}'`,
      { user: mallory },
    );
    for (const user of [owner, undefined]) {
      await using database = await open(user);
      expect((await database.failedDatabases()).map(({ name }) => name)).toEqual([`${target}__failed_real`]);
      expect(await database.foreignDatabases()).toEqual([
        { name: `${target}__failed_000`, owner: mallory, removal: `DROP DATABASE "${target}__failed_000";` },
      ]);
      const { code, hint } = await refusalOf(database.dropCopy(`${target}__failed_000`));
      expect(code).toBe('SM_NOT_A_COPY');
      expect(hint).toContain(mallory);
    }
  });

  it("kept databases are ordered by the server's facts, whatever the clocks of the runners said", async () => {
    const { target, owner, open, make } = await place();
    const name = (run: string) => `${target}__failed_${run}`;
    const mark = (run: string, more: { at?: string; replacedBy?: number } = {}) =>
      copyMark({ kind: 'failed', target, run, ...more });
    // Run ids fall while time goes on: each runner's clock is behind that of the one before.
    await make(name('zz'), owner, mark('zz'));
    await make(name('yy'), owner, mark('yy', { at: '2026-11-02T00:00:00.000Z' }));
    await make(name('xx'), owner, mark('xx'));
    await make(name('ww'), owner, mark('ww', { at: '2026-11-03T00:00:00.000Z' }));
    await using database = await open(owner);
    const order = async () => (await database.failedDatabases()).map((each) => each.name.slice(-2));
    expect(await order()).toEqual(['ww', 'xx', 'yy', 'zz']);
    // The one whose place the target of today took is never behind another one.
    await cluster.psql(
      'postgres',
      `COMMENT ON DATABASE "${name('zz')}" IS '${quoted(mark('zz', { at: '2026-11-01T00:00:00.000Z', replacedBy: await oidOf(target) }))}'`,
    );
    expect(await order()).toEqual(['zz', 'ww', 'xx', 'yy']);
  });
});

describe('a name that a run is about to need', () => {
  it('taken for its failed database: the run keeps it under another one', async () => {
    const { target, owner, mallory, open, make } = await place();
    await make(`${target}__failed_run1`, mallory);
    await using database = await open(owner);
    const place1 = await database.failedPlace('run1');
    expect(place1.name).toMatch(new RegExp(`^${target}__failed_run1_[0-9a-f]{8}$`));
    expect(await database.failedPlace('run2')).toEqual({ name: `${target}__failed_run2`, run: 'run2' });
    // By that name and mark it is known later.
    await make(place1.name, owner, copyMark({ kind: 'failed', target, run: place1.run }));
    expect((await database.failedDatabases()).map(({ name }) => name)).toEqual([place1.name]);
  });

  it('taken for its copy: the refusal names owner and statement, and the next run has another one', async () => {
    const { target, owner, mallory, make } = await place();
    await make(`${target}__fallback_r1`, mallory);
    const server = await serverOf(cluster.url({ database: target, user: owner }));
    await using backup = await takeBackup(server);
    const { code, hint } = await refusalOf(prove(server, backup));
    expect(code).toBe('SM_RESTORE_FAILED');
    expect(hint).toContain(`belongs to ${mallory}`);
    expect(hint).toContain(`DROP DATABASE "${target}__fallback_r1";`);
    expect((await prove(server, backup, { run: 'r2' })).name).toBe(`${target}__fallback_r2`);
  });
});

it('the lock in the target, held by somebody who may only read, is told with the statement that ends it', async () => {
  const { target, owner, open } = await place();
  const reader = `${owner}_reader`;
  await cluster.createRole(reader, { attributes: '' });
  const client = new pg.Client({
    connectionString: cluster.url({ database: target, user: reader }),
    application_name: 'safe-migrate run9 abcdef owner/repo run 9',
  });
  client.on('error', () => {});
  await client.connect();
  await client.query('SELECT pg_advisory_lock(1399679335, 1), pg_advisory_lock(72707369)');
  await using database = await open(owner);
  const { log, warnings } = recordingLog();
  await lookAtDeploys(database, log);
  expect(warnings).toEqual([
    expect.stringMatching(new RegExp(`of ${reader} holds Prisma's lock .* pg_terminate_backend`)),
  ]);
  const { code, hint } = await refusalOf(database.lock(holder));
  expect(code).toBe('SM_LOCKED');
  expect(hint).toContain(`as a superuser or as ${reader}: `);
  // He may connect and read, so he cannot be deploying: a recovery does not stop for him.
  await cluster.psql(target, 'CREATE TABLE "_prisma_migrations" (id text)', { user: owner });
  expect(await database.prismaLockHolder()).toBeNull();
  expect(await database.prismaLockHolder('anybody')).toMatchObject({ user: reader });
  // One who may write the history may be.
  await cluster.psql(target, `GRANT INSERT ON "_prisma_migrations" TO "${reader}"`, { user: owner });
  expect(await database.prismaLockHolder()).toMatchObject({ user: reader });
  const [statement = ''] = /SELECT pg_terminate_backend\(\d+\);/.exec(hint) ?? [];
  await cluster.psql('postgres', statement);
  await using lock = await database.lock(holder);
  await lock.assertHeld();
});
