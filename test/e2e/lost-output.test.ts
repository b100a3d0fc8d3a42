import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freePort } from '../support/postgres.ts';

const main = resolve(import.meta.dirname, '../../dist/main.js');

it('comes to its end although nobody reads what it says any more: the runner died', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-unheard-'));
  const child = spawn(process.execPath, [main], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      RUNNER_TEMP: folder,
      // Long enough for what it says at the beginning to be lost before it ends.
      INPUT_COMMAND: 'backup',
      INPUT_STORAGE: `file://${folder}`,
      'INPUT_DATABASE-URL': `postgresql://u:secret@127.0.0.1:${await freePort()}/d`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    child.stdout.destroy();
    child.stderr.destroy();
    const exit = await Promise.race([once(child, 'exit'), delay(60_000, 'still running')]);
    expect(exit).toEqual([1, null]);
    const [path = ''] = await Array.fromAsync(glob('safe-migrate-report-*/report.json', { cwd: folder }));
    const report = JSON.parse(await readFile(join(folder, path), 'utf8'));
    expect(report.result).toBe('refused');
    // A broken pipe that is told as a warning breaks on the same pipe, without end.
    expect(report.warnings).not.toContainEqual(expect.stringContaining('EPIPE'));
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});
