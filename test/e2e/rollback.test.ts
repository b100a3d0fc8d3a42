import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDatabaseState } from '../support/database-state.ts';
import { erpMigrations } from '../support/erp.ts';
import { startPostgres } from '../support/postgres.ts';
import { backUp, rollBack } from '../support/roll-back.ts';
import { sharedPostgres } from '../support/shared-servers.ts';
import { storeAsVersion1 } from '../support/stored-again.ts';
import { createWorld, type World } from '../support/world.ts';

const passphrase = 'correct horse battery staple';

/** Ten migrations that change what is there, and 10 000 rows in what they made. */
async function goOn(world: World): Promise<readonly string[]> {
  const names: string[] = [];
  for (let number = 1; number <= 10; number += 1) {
    const name = `202602${String(number).padStart(2, '0')}000000_step_${number}`;
    names.push(name);
    await world.project.writeMigration(
      name,
      `CREATE TABLE "Step${number}" ("id" SERIAL PRIMARY KEY, "text" TEXT);
       ALTER TABLE "Customer" ADD COLUMN "step${number}" INTEGER;`,
    );
  }
  await world.prisma('migrate', 'deploy');
  await world.psql(
    `INSERT INTO "Step7" ("text") SELECT 'new ' || n FROM generate_series(1, 10000) n;
     UPDATE "Customer" SET "step1" = 1 WHERE "id" <= 10; DELETE FROM "Note" WHERE "id" <= 5;`,
  );
  return names;
}

describe('rollback', () => {
  it('says what it would take back, and then takes back ten migrations and 10 000 rows, keeping them', async () => {
    await using world = await createWorld();
    const before = await world.state();
    const id = await backUp(world, { 'encryption-passphrase': passphrase });
    const names = await goOn(world);
    const after = await world.state();

    // Without the key nobody can say what it holds.
    const dim = await rollBack(world, { 'dry-run': 'true', confirm: '' });
    expect(dim.report.rollback).toMatchObject({ backupId: id, migrations: null, tables: null });
    expect(dim.result.visibleLog).toMatch(/warning: what .* holds is encrypted: without its key/);

    const look = await rollBack(world, {
      'dry-run': 'true',
      confirm: '',
      'encryption-passphrase': passphrase,
    });
    expect(look.result.exitCode, look.result.log).toBe(0);
    expect(look.result.outputs).toMatchObject({
      result: 'checked',
      'backup-id': id,
      'restore-proved': 'true',
    });
    expect(look.report.rollback).toMatchObject({
      backupId: id,
      commit: '0d1b2c3d4e5f60718293a4b5c6d7e8f901234567',
      migrations: names,
    });
    const tables = look.report.rollback?.tables?.map((each) => [each.table, each.rowsNow, each.rowsInBackup]);
    expect(tables).toEqual(
      expect.arrayContaining([
        ['Step7', 10_000, null],
        ['Note', 45, 50],
        ['Customer', 2000, 2000],
        ['_prisma_migrations', 12, 2],
      ]),
    );
    expect(tables?.map(([table]) => table)).not.toContain('Invoice');
    expect(look.result.log).toContain('deploy that one');
    expect(await world.state()).toEqual(after);
    expect(await world.copies()).toEqual([]);

    const { result, report } = await rollBack(world, { backup: id, 'encryption-passphrase': passphrase });
    expect(result.exitCode, result.log).toBe(0);
    const kept = result.outputs['failed-database'] ?? '';
    expect(result.outputs).toMatchObject({
      result: 'rolled-back',
      'recovery-method': 'swap',
      'backup-id': id,
      'restore-proved': 'true',
    });
    expect(kept).toMatch(new RegExp(`^${world.database}__failed_`));
    expect(report.phases.map(({ phase }) => phase)).toEqual(['preflight', 'fetch', 'prove', 'recover']);
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual([kept]);
    // The kept database holds the rest, closed.
    await world.cluster.psql('postgres', `ALTER DATABASE "${kept}" ALLOW_CONNECTIONS true`);
    const rest = await readDatabaseState(world.cluster, kept);
    expect({ ...rest, properties: '' }).toEqual({ ...after, properties: '' });

    const status = await world.prisma('migrate', 'status').catch((error: { stdout: string }) => error.stdout);
    for (const name of names) expect(status).toContain(name);
    expect(status).not.toContain(Object.keys(erpMigrations)[0]);
  });

  it('runs the hooks around it, the second one even when the restore fails, without the runner’s tokens', async () => {
    await using world = await createWorld();
    const before = await world.state();
    await backUp(world);
    await world.psql('DELETE FROM "Invoice"');
    const hooks = {
      'before-migrate': `echo "stop in $PWD \${INPUT_STORAGE:-no input} \${ACTIONS_RUNTIME_TOKEN:-no token}"`,
      'after-migrate': 'echo "start | again" | tr a-z A-Z',
    };
    const failing = await rollBack(world, { ...hooks, 'before-migrate': 'echo half; exit 7' });
    expect(failing.result.outputs.result).toBe('refused');
    expect(failing.report.problems.map(({ code, message }) => [code, message])).toEqual([
      ['SM_HOOK_FAILED', 'before-migrate ended with exit code 7'],
    ]);
    expect(failing.result.log).toContain('START | AGAIN');
    expect(await world.copies()).toEqual([]);

    const { result, report } = await rollBack(world, hooks);
    expect(result.outputs.result, result.log).toBe('rolled-back');
    expect(result.log).toContain(`stop in ${world.project.directory} no input no token`);
    expect(result.log.match(/START \| AGAIN/g)).toHaveLength(1);
    expect(report.phases.map(({ phase }) => phase)).toEqual([
      'preflight',
      'fetch',
      'quiesce',
      'prove',
      'recover',
      'settle',
    ]);
    expect(await world.state()).toEqual(before);
  });

  it.each([
    ['prove', /^prove|restored into/m, 'untouched', true],
    ['recover', /sessions ended/, 'rolled-back', false],
  ])(
    'is finished by post when it is killed in %s, and runs the after-migrate that it owes',
    async (_phase, at, result, isAsBefore) => {
      await using world = await createWorld();
      const before = await world.state();
      await backUp(world);
      await world.psql('DELETE FROM "Invoice"');
      const after = await world.state();
      await using run = await world.startMigrate({
        inputs: {
          command: 'rollback',
          confirm: world.database,
          'before-migrate': 'echo stopped',
          'after-migrate': 'echo "start | again" | tr a-z A-Z',
        },
      });
      await run.waitForLog(at);
      await run.killTree();
      const post = await run.post();
      expect(post.log).toContain('START | AGAIN');
      expect(post.log).toContain(result);
      expect(await world.state()).toEqual(isAsBefore ? after : before);
      const kept = (await world.copies()).filter((name) => !name.endsWith('__safe_migrate'));
      expect(kept).toHaveLength(isAsBefore ? 0 : 1);

      // Nothing is open any more.
      const again = await rollBack(world);
      expect(again.result.outputs.result, again.result.log).toBe('rolled-back');
      expect(again.report.earlierRun).toBeNull();
      expect(await world.state()).toEqual(before);
    },
  );

  it('leaves after-migrate to post when it is cancelled while before-migrate runs', async () => {
    await using world = await createWorld();
    await backUp(world);
    const before = await world.state();
    await using run = await world.startMigrate({
      inputs: {
        command: 'rollback',
        confirm: world.database,
        'before-migrate': 'echo maintenance is on; sleep 600',
        'after-migrate': 'echo "start | again" | tr a-z A-Z',
      },
    });
    await run.waitForLog(/^maintenance is on/m);
    const cancelled = await run.cancel();
    expect(cancelled.log).not.toContain('START | AGAIN');
    expect(cancelled.outputs, cancelled.log).toMatchObject({ result: 'refused' });
    const post = await run.post();
    expect(post.log.match(/START \| AGAIN/g)).toHaveLength(1);
    expect(await world.state()).toEqual(before);
    const again = await rollBack(world, { 'dry-run': 'true' });
    expect(again.result.log).not.toContain('is unfinished');
  });

  it.each([
    ['missing', (world: World) => asSuperuser(world, `DROP DATABASE "${world.database}"`), false],
    ['closed', (world: World) => alter(world, 'ALLOW_CONNECTIONS false'), true],
    ['limited to no connection', (world: World) => alter(world, 'CONNECTION LIMIT 0'), true],
    ['empty', (world: World) => world.psql('DROP SCHEMA public CASCADE'), true],
    ['without its catalog on the disk', damage, true],
  ])('brings back a target that is %s', async (how, breakIt, isKept) => {
    await using world = await createWorld();
    const before = await world.state();
    const id = await backUp(world);
    // One of the first version is as good.
    if (how === 'empty') await storeAsVersion1(world, id);
    await breakIt(world);
    const look = await rollBack(world, { 'dry-run': 'true' });
    expect(look.result.outputs.result, look.result.log).toBe('checked');
    const { result } = await rollBack(world);
    const kept = result.outputs['failed-database'] ?? '';
    expect(result.outputs, result.log).toMatchObject({ result: 'rolled-back', 'backup-id': id });
    expect(kept !== '').toBe(isKept);
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual(isKept ? [kept] : []);
    // A damaged one would trouble the server for as long as it is there.
    if (isKept) await asSuperuser(world, `DROP DATABASE "${kept}"`);
  });

  it('goes onto a newer major, where what can be compared is', async () => {
    await using older = await startPostgres({ major: 14 });
    await using world = await createWorld({ cluster: older });
    const id = await backUp(world);
    const newer = await sharedPostgres();
    const { database, user } = world;
    await newer.createRole(user);
    await newer.createDatabase(database, user);
    const url = newer.url({ database, user });
    // Another server's is taken by its id only: databases of one name may share a storage.
    const unnamed = await rollBack(world, { 'database-url': url });
    expect(unnamed.report.problems).toMatchObject([
      { code: 'SM_BACKUP_NOT_FOUND', message: expect.stringContaining('was made on another server') },
    ]);
    const { result, report } = await rollBack(world, { 'database-url': url, backup: id });
    expect(result.outputs, result.log).toMatchObject({ result: 'rolled-back', 'backup-id': id });
    expect(result.visibleLog).toMatch(/warning: .* was made on another server, PostgreSQL 14/);
    expect(report.target?.serverVersion).toMatch(/^15/);
    expect(result.log).toContain('all counts equal to the manifest (contents are not compared');
    expect(await newer.psql(database, 'SELECT count(*) FROM "Invoice"')).toBe(
      await older.psql(database, 'SELECT count(*) FROM "Invoice"'),
    );

    // The other way round PostgreSQL does not restore.
    await using back = await world.migrate({
      inputs: { command: 'backup', 'database-url': url, label: 'newer' },
    });
    const refused = await rollBack(world, { backup: back.result.outputs['backup-id'] ?? '' });
    expect(refused.result.outputs.result, refused.result.log).toBe('refused');
    expect(refused.report.problems.map(({ code }) => code)).toEqual(['SM_BACKUP_NEWER']);
  });
});

const asSuperuser = (world: World, sql: string) => world.cluster.psql('postgres', sql);
const alter = (world: World, what: string) =>
  asSuperuser(world, `ALTER DATABASE "${world.database}" ${what}`);

/** Takes away the file that says where the catalogs lie: nobody can connect any more. */
async function damage(world: World): Promise<void> {
  const oid = await asSuperuser(world, `SELECT oid FROM pg_database WHERE datname = '${world.database}'`);
  await rm(join(world.cluster.info.dataDirectory, 'base', oid, 'pg_filenode.map'));
  await expect(world.psql('SELECT 1')).rejects.toThrow(/pg_filenode\.map/);
}
