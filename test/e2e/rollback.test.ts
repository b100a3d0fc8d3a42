import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { ageKeyPair } from '../support/age-cli.ts';
import { readDatabaseState } from '../support/database-state.ts';
import { erpMigrations } from '../support/erp.ts';
import { inputsOfExample } from '../support/example-workflow.ts';
import { readReport } from '../support/refusal.ts';
import type { ActionOptions } from '../support/runner.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { createWorld, type World } from '../support/world.ts';

type Inputs = NonNullable<ActionOptions['inputs']>;

const passphrase = 'correct horse battery staple';

async function backUp(world: World, inputs: Inputs = {}): Promise<string> {
  await using run = await world.migrate({ inputs: { command: 'backup', label: 'before', ...inputs } });
  expect(run.result.outputs.result, run.result.log).toBe('backed-up');
  return run.result.outputs['backup-id'] ?? '';
}

async function rollBack(world: World, inputs: Inputs = {}) {
  await using run = await world.migrate({
    inputs: { command: 'rollback', confirm: world.database, ...inputs },
  });
  const files = await run.filesWritten();
  expect([...files.keys()].filter((path) => path.includes('safe-migrate-work-'))).toEqual([]);
  return { result: run.result, report: await readReport(run.result) };
}

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

/** Changes an object behind the action's back, as whoever may write to the bucket can. */
async function tamper(
  world: World,
  key: string,
  change: (whole: Buffer) => Buffer | null,
): Promise<() => Promise<void>> {
  const client = (await sharedCeph()).client();
  const place = { Bucket: world.bucket, Key: key };
  const { Body } = await client.send(new GetObjectCommand(place));
  const whole = Buffer.from((await Body?.transformToByteArray()) ?? []);
  const changed = change(Buffer.from(whole));
  await client.send(
    changed === null ? new DeleteObjectCommand(place) : new PutObjectCommand({ ...place, Body: changed }),
  );
  return async () => {
    await client.send(new PutObjectCommand({ ...place, Body: whole }));
    client.destroy();
  };
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

  it('refuses, before pg_restore sees a byte, whatever is not the backup that was made', async () => {
    await using world = await createWorld();
    const id = await backUp(world, { 'encryption-passphrase': passphrase });
    await backUp(world, { 'encryption-passphrase': passphrase, label: 'other' });
    const stored = [...(await world.stored())];
    const otherManifest =
      stored.find(([key]) => key.includes('Z_other/manifest.json'))?.[1] ?? Buffer.alloc(0);
    const [dump, manifest] = ['database.dump.age', 'manifest.json'].map(
      (name) => stored.find(([key]) => key.endsWith(`${id}/${name}`))?.[0] ?? '',
    );
    const before = await world.state();
    const refused = async (code: string, says: RegExp, inputs: Inputs = {}) => {
      const { result, report } = await rollBack(world, {
        backup: id,
        'encryption-passphrase': passphrase,
        ...inputs,
      });
      expect(result.outputs.result, result.log).toBe('refused');
      expect(
        report.problems.map((problem) => problem.code),
        result.log,
      ).toEqual([code]);
      expect(report.problems[0]?.message).toMatch(says);
      expect(report.phases.map(({ phase }) => phase)).not.toContain('prove');
      expect(await world.copies()).toEqual([]);
      expect(await world.state()).toEqual(before);
    };

    await refused('SM_WRONG_PASSPHRASE', /is not the passphrase/, {
      'encryption-passphrase': 'something else entirely',
    });
    await refused('SM_PASSPHRASE_MISSING', /encryption-passphrase is not given/, {
      'encryption-passphrase': '',
    });
    await refused('SM_NOT_CONFIRMED', /the database that would be replaced/, {
      confirm: `${world.database}x`,
    });
    await refused('SM_BACKUP_NOT_FOUND', /no backup "backup_20200101_000000Z_x"/, {
      backup: 'backup_20200101_000000Z_x',
    });

    const cases: readonly [string | undefined, (whole: Buffer) => Buffer | null, string, RegExp][] = [
      [dump, () => null, 'SM_BACKUP_DAMAGED', /has a manifest, but database\.dump\.age is not there/],
      [
        dump,
        (whole) => whole.subarray(0, -1000),
        'SM_BACKUP_DAMAGED',
        /has \d+ bytes; its manifest says \d+/,
      ],
      [
        dump,
        (whole) => whole.map((byte, at) => (at === 5000 ? byte ^ 4 : byte)) as Buffer,
        'SM_BACKUP_DAMAGED',
        /has not the SHA-256 that its manifest says/,
      ],
      [manifest, () => otherManifest, 'SM_BACKUP_UNREADABLE', /is that of another backup, "backup_.*_other"/],
      [
        manifest,
        (whole) => Buffer.from(String(whole).replace(/"rows": 2000/, '"rows": 2001')),
        'SM_MANIFEST_NOT_AUTHENTIC',
        /was changed after it was written/,
      ],
      [
        manifest,
        (whole) => Buffer.from(JSON.stringify({ ...JSON.parse(String(whole)), authentication: null })),
        'SM_MANIFEST_NOT_AUTHENTIC',
        /is not authenticated: anybody who may write to the storage/,
      ],
      [manifest, () => null, 'SM_BACKUP_UNREADABLE', /it has no manifest/],
    ];
    for (const [key, change, code, says] of cases) {
      const putBack = await tamper(world, key ?? '', change);
      await refused(code, says);
      await putBack();
    }
  });

  it('opens what is encrypted to recipients with their private key and with no other', async () => {
    const [pair, stranger] = [await ageKeyPair(), await ageKeyPair()];
    await using world = await createWorld();
    const before = await world.state();
    await backUp(world, { 'encryption-recipients': pair.recipient });
    await world.psql('DELETE FROM "Invoice"');
    for (const [identity, code] of [
      ['', 'SM_IDENTITY_MISSING'],
      [stranger.identity, 'SM_WRONG_IDENTITY'],
    ]) {
      const { report } = await rollBack(world, { 'encryption-identity': identity ?? '' });
      expect(report.problems.map((problem) => problem.code)).toEqual([code]);
    }
    const { result } = await rollBack(world, { 'encryption-identity': pair.identity });
    expect(result.outputs.result, result.log).toBe('rolled-back');
    expect(result.log).toContain("rests on the storage's permissions");
    expect(await world.state()).toEqual(before);
  });

  it('runs the hooks around it, the second one even when the restore fails, without the runner’s tokens', async () => {
    await using world = await createWorld();
    const before = await world.state();
    await backUp(world);
    await world.psql('DELETE FROM "Invoice"');
    const hooks = {
      'before-migrate': 'echo "stop in $PWD ${INPUT_STORAGE:-no input} ${ACTIONS_RUNTIME_TOKEN:-no token}"',
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
