import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runShortCommand } from '../../../src/system/short-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'short "command" \\ '));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('a short command', () => {
  test('is run by its exact path, with its exact arguments, folder and environment, and prints nothing', async () => {
    const printed = vi.spyOn(process.stdout, 'write');
    const path = await program('tell all', 'printf "%s|" "$@"; pwd; echo "$ONLY"; echo "$HOME" >&2');
    const args = ['a b', '"quoted"', 'back\\slash', '$HOME', ''];
    const result = await runShortCommand(path, args, { env: { ONLY: 'this', PATH: '/bin' }, cwd: folder });
    expect(result).toEqual({
      exitCode: 0,
      stdout: `a b|"quoted"|back\\slash|$HOME||${folder}\nthis\n`,
      stderr: '\n',
    });
    expect(printed.mock.calls.join('')).not.toContain('quoted');
    printed.mockRestore();
  });

  test('may fail: its exit code is the caller’s to judge', async () => {
    const path = await program('fails', 'echo no >&2; exit 3');
    expect(await runShortCommand(path, [], { env: {} })).toEqual({ exitCode: 3, stdout: '', stderr: 'no\n' });
  });

  test.each(['is-not-there', 'a folder'])('that cannot be started is told: %s', async (name) => {
    const path = name === 'a folder' ? folder : join(folder, name);
    await expect(runShortCommand(path, [], { env: {} })).rejects.toMatchObject({
      code: 'SM_PROCESS_NOT_STARTED',
      message: expect.stringContaining(path),
    });
  });
});
