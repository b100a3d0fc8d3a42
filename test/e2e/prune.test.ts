import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileStorage } from '../../src/storage/file/file-storage.ts';
import { readReport } from '../support/refusal.ts';
import { backUp } from '../support/roll-back.ts';
import { storeSample } from '../support/sample-manifest.ts';
import { sharedCeph } from '../support/shared-servers.ts';
import { storedAgain } from '../support/stored-again.ts';
import { createWorld, type World } from '../support/world.ts';

/** Three old backups, of which only the two older ones are beyond `keep-last: 1`. */
const old = ['20200101_020000', '20200102_020000', '20200103_020000'];

describe('retention', () => {
  let world: World;
  let folder: string;
  beforeAll(async () => {
    world = await createWorld();
    folder = join(world.folder, 'backups');
    await mkdir(folder);
    const storage = fileStorage({ kind: 'file', directory: folder });
    for (const takenAt of old) await storeSample(storage, { takenAt, database: world.database });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const stored = async () =>
    (await fileStorage({ kind: 'file', directory: folder }).list('', new AbortController().signal))
      .filter(({ key }) => key.endsWith('/manifest.json'))
      .map(({ key }) => key.split('/')[1]);
  const inputs = () => ({ storage: pathToFileURL(folder).href, 'keep-last': '1' });

  test('is shown and not applied in a dry run, for which no server has to answer', async () => {
    const unreachable = new URL(world.url);
    unreachable.port = '9';
    await using run = await world.migrate({
      workspace: world.folder,
      inputs: { ...inputs(), command: 'prune', 'dry-run': 'true', 'database-url': unreachable.href },
    });
    expect(run.result.outputs.result, run.result.log).toBe('pruned');
    expect(run.result.exitCode).toBe(0);
    expect(run.result.log).toContain('3 backups would stay, 0 would go');
    expect(run.result.log).toContain('the server could not be asked whether an unfinished run needs it');
    expect(run.result.summary).toContain('### Stored backups');
    await using asked = await world.migrate({
      workspace: world.folder,
      inputs: { ...inputs(), command: 'prune', 'dry-run': 'true' },
    });
    expect(asked.result.log).toContain('1 backup would stay, 2 would go');
    expect(await stored()).toHaveLength(3);
  });

  test('spares what a dead rollback goes back to, also when the target is gone', async () => {
    await using other = await createWorld();
    const id = await agedBackup(other);
    await using rollback = await other.startMigrate({
      inputs: {
        command: 'rollback',
        backup: id,
        confirm: other.database,
        'before-migrate': 'echo maintenance is on; sleep 600',
      },
    });
    await rollback.waitForLog(/^maintenance is on/m);
    await other.cluster.psql('postgres', `DROP DATABASE "${other.database}" WITH (FORCE)`);
    const prune = { command: 'prune', 'keep-last': '1', 'retention-days': '1' };
    await using beside = await other.migrate({ inputs: prune });
    expect(beside.result.outputs, beside.result.log).toMatchObject({ result: 'refused' });
    expect(beside.result.log).toContain('Another run of safe-migrate is at work');
    await rollback.killTree();
    await using after = await other.migrate({ inputs: prune });
    expect(after.result.outputs, after.result.log).toMatchObject({ result: 'pruned' });
    expect(after.result.log).toMatch(new RegExp(`${id} .*stays: an unfinished run needs it`));
    expect([...(await other.stored()).keys()].filter((key) => key.includes(id))).toHaveLength(3);
  });

  test('is applied by prune', async () => {
    await using run = await world.migrate({
      workspace: world.folder,
      inputs: { ...inputs(), command: 'prune', 'keep-last': '2' },
    });
    expect(run.result.outputs.result, run.result.log).toBe('pruned');
    expect(run.result.log).toContain('2 backups kept, 1 removed');
    expect(await stored()).toEqual(old.slice(1).map((takenAt) => `backup_${takenAt}Z_scheduled`));
    const report = await readReport(run.result);
    expect(report.storedBackups).toMatchObject([
      { retention: { stays: true } },
      { retention: { stays: true } },
      { retention: { removed: true } },
    ]);
  });

  test('is applied after a new backup was stored and proved', async () => {
    await using run = await world.migrate({ inputs: { ...inputs(), command: 'backup' } });
    expect(run.result.outputs.result, run.result.log).toBe('backed-up');
    expect(run.result.log).toMatch(/prune +\d+\.\d s {2}1 backup kept, 2 removed/);
    expect(await stored()).toEqual([run.result.outputs['backup-id']]);
  });

  test('goes by the server’s clock, wherever that of the runner stands', async () => {
    const [young] = await stored();
    const clock = fileURLToPath(new URL('../support/wrong-clock.mjs', import.meta.url));
    const env = { NODE_OPTIONS: `--import=${clock}`, WRONG_CLOCK_DAYS: '40' };
    await using ahead = await world.migrate({ inputs: { ...inputs(), command: 'backup' }, env });
    const id = ahead.result.outputs['backup-id'] ?? '';
    expect(id, ahead.result.log).toContain(
      `backup_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}_`,
    );
    expect(await stored()).toEqual([young, id]);
    expect(ahead.result.visibleLog).toMatch(/warning: the clock of this runner is .* ahead of the server's/);

    await storeSample(fileStorage({ kind: 'file', directory: folder }), {
      takenAt: dayOf(new Date(Date.now() - 10 * 86_400_000)),
      database: world.database,
    });
    await using behind = await world.migrate({
      inputs: { ...inputs(), command: 'prune' },
      env: { ...env, WRONG_CLOCK_DAYS: '-40' },
    });
    expect(behind.result.log).toContain('2 backups kept, 1 removed');
    expect(behind.result.visibleLog).toMatch(/warning: the clock of this runner is .* behind the server's/);
    expect(await stored()).toEqual([young, id]);
  });
});

/** As an id begins. */
function dayOf(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
}

/** A backup that could be restored and is years old, beside a young one. */
async function agedBackup(world: World): Promise<string> {
  const young = await backUp(world);
  const id = 'backup_20200101_000000Z_before';
  const client = (await sharedCeph()).client();
  for (const [key, content] of storedAgain(await world.stored(), young, {
    id,
    manifest: { createdAt: '2020-01-01T00:00:00.000Z' },
  })) {
    await client.send(new PutObjectCommand({ Bucket: world.bucket, Key: key, Body: content }));
  }
  client.destroy();
  return id;
}
