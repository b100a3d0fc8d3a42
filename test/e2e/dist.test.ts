import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAction } from '../support/runner.ts';

const run = promisify(execFile);
const dist = resolve(import.meta.dirname, '../../dist');

describe('a copy of dist/ alone, in a folder without node_modules', () => {
  let folder = '';
  let copy = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'safe-migrate-dist-alone-'));
    copy = join(folder, 'dist');
    await cp(dist, copy, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('answers bad inputs as the action does, main and post', async () => {
    await using action = await runAction({ dist: copy, inputs: { command: 'migrat' } });
    expect(action.result.outputs.result).toBe('refused');
    expect(action.result.exitCode).toBe(1);
    expect((await action.post()).exitCode).toBe(0);
  });

  test('loads every file of its own', async () => {
    const files = (await readdir(copy)).filter(
      (file) => file.endsWith('.js') && !/^(main|post)\.js$/.test(file),
    );
    const imports = files.map((file) => `await import(${JSON.stringify(`./${file}`)});`).join('\n');
    await run(process.execPath, ['--input-type=module', '--eval', imports], { cwd: copy });
  });

  test('names no folder of the machine that built it', async () => {
    const files = (await readdir(copy)).filter((file) => file.endsWith('.js'));
    for (const file of files) {
      expect(await readFile(join(copy, file), 'utf8'), file).not.toContain(resolve(dist, '..'));
    }
  });
});
