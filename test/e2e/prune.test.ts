import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileStorage } from '../../src/storage/file/file-storage.ts';
import { readReport } from '../support/refusal.ts';
import { storeSample } from '../support/sample-manifest.ts';
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
    expect(run.result.log).toContain('1 backup would stay, 2 would go');
    expect(run.result.summary).toContain('### Stored backups');
    expect(await stored()).toHaveLength(3);
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
});
