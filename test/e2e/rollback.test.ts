import { describe, expect, it } from 'vitest';
import { readDatabaseState } from '../support/database-state.ts';
import { erpMigrations } from '../support/erp.ts';
import { inputsOfExample } from '../support/example-workflow.ts';
import { backUp, rollBack } from '../support/roll-back.ts';
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

    const look = await rollBack(world, { 'dry-run': 'true', confirm: '' });
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

  it('does as the example workflows say: a nightly backup, a look, the rollback', async () => {
    await using world = await createWorld();
    const before = await world.state();
    const values = {
      'secrets.DATABASE_URL': world.url,
      's3://applizor-backups/erp?region=eu-central-1': world.storageUrl,
      'inputs.backup': 'latest',
    };
    await using nightly = await world.migrate({ inputs: inputsOfExample('nightly.yml', values) });
    expect(nightly.result.outputs, nightly.result.log).toMatchObject({
      result: 'backed-up',
      'restore-proved': 'true',
    });
    await world.psql('DELETE FROM "Invoice"');
    const form = (dryRun: string, confirm: string) =>
      inputsOfExample('rollback.yml', { ...values, 'inputs.dry-run': dryRun, 'inputs.confirm': confirm });
    await using look = await world.migrate({ inputs: form('true', '') });
    expect(look.result.outputs, look.result.log).toMatchObject({ result: 'checked' });
    await using back = await world.migrate({ inputs: form('false', world.database) });
    expect(back.result.outputs, back.result.log).toMatchObject({
      result: 'rolled-back',
      'backup-id': nightly.result.outputs['backup-id'],
    });
    expect(await world.state()).toEqual(before);
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
    ['missing', (name: string) => `DROP DATABASE "${name}"`, false],
    ['closed to connections', (name: string) => `ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`, true],
    ['limited to no connection', (name: string) => `ALTER DATABASE "${name}" CONNECTION LIMIT 0`, true],
  ])('brings back a target that is %s', async (_how, breakIt, isKept) => {
    await using world = await createWorld();
    const before = await world.state();
    const id = await backUp(world);
    await world.cluster.psql('postgres', breakIt(world.database));
    const look = await rollBack(world, { 'dry-run': 'true' });
    expect(look.result.outputs.result, look.result.log).toBe('checked');
    const { result } = await rollBack(world);
    expect(result.outputs, result.log).toMatchObject({ result: 'rolled-back', 'backup-id': id });
    expect(result.outputs['failed-database'] !== '').toBe(isKept);
    expect(await world.state()).toEqual(before);
    expect(await world.copies()).toEqual(isKept ? [result.outputs['failed-database']] : []);
  });
});
