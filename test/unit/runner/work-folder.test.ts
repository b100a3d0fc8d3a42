import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeWorkFolder, WorkFolder } from '../../../src/runner/work-folder.ts';

describe('the work folder', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'safe-migrate-test-'));
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  it('is private and gone at the end of its scope, with all that is in it', async () => {
    let path: string;
    {
      await using folder = await WorkFolder.create(join(parent, 'not-there-yet'));
      path = folder.path;
      await writeFile(join(path, 'database.dump'), 'x');
      expect((await stat(path)).mode & 0o777).toBe(0o700);
    }
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('can be removed twice: by main, and by post', async () => {
    const folder = await WorkFolder.create(parent);
    await removeWorkFolder(folder.path);
    await removeWorkFolder(folder.path);
  });

  it('is the only folder that is ever removed', async () => {
    await expect(removeWorkFolder(parent)).rejects.toThrow(TypeError);
    await stat(parent);
  });
});
