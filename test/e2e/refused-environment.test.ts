import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations } from '../support/erp.ts';
import type { ActionOptions } from '../support/runner.ts';
import { createWorld, type World } from '../support/world.ts';

describe('a machine that is not as it should be is refused with a sentence of its own, and nothing is touched:', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
    await writeFile(join(world.folder, 'file'), '');
    await symlink('circle', join(world.project.directory, 'circle'));
    await mkdir(join(world.folder, 'x'.repeat(90)));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it.each<readonly [string, string, (made: World) => ActionOptions]>([
    [
      'RUNNER_TEMP is a file',
      'SM_RUNNER_TEMP',
      ({ folder }) => ({ env: { RUNNER_TEMP: join(folder, 'file') } }),
    ],
    [
      'RUNNER_TEMP is below a file',
      'SM_RUNNER_TEMP',
      ({ folder }) => ({ env: { RUNNER_TEMP: join(folder, 'file', 'temp') } }),
    ],
    // Where folders are made in vain: Node's own way of making them never ends there.
    [
      'RUNNER_TEMP is below /proc',
      'SM_RUNNER_TEMP',
      () => ({ env: { RUNNER_TEMP: '/proc/self/temp/more' } }),
    ],
    ['RUNNER_TEMP is read-only', 'SM_RUNNER_TEMP', () => ({ env: { RUNNER_TEMP: '/sys/kernel' } })],
    ['TMPDIR is read-only', 'SM_TMPDIR', () => ({ env: { TMPDIR: '/sys/kernel' } })],
    ['TMPDIR is missing', 'SM_TMPDIR', ({ folder }) => ({ env: { TMPDIR: join(folder, 'nowhere') } })],
    [
      'TMPDIR is too long for a socket',
      'SM_TMPDIR',
      ({ folder }) => ({ env: { TMPDIR: join(folder, 'x'.repeat(90)) } }),
    ],
    [
      'working-directory has 50 000 characters',
      'SM_INPUT',
      () => ({ inputs: { 'working-directory': 'x'.repeat(50_000) } }),
    ],
    [
      'working-directory is a circle of links',
      'SM_INPUT',
      () => ({ inputs: { 'working-directory': 'circle' } }),
    ],
    [
      'prisma-schema has 50 000 characters',
      'SM_INPUT',
      () => ({ inputs: { 'prisma-schema': 'y'.repeat(50_000) } }),
    ],
  ])('%s', async (_what, code, options) => {
    await using run = await world.migrate(options(world));
    const { result } = run;
    expect([result.exitCode, result.outputs.result], result.log).toEqual([1, 'refused']);
    const errors = result.annotations.filter(({ level }) => level === 'error');
    expect(
      errors.map(({ message }) => /errors\.md#(\w+)|#(sm_\w+)/.exec(message)?.slice(1).join('')),
      result.log,
    ).toEqual([code.toLowerCase()]);
    expect(errors[0]?.message).toContain('HINT: ');
    expect(errors[0]?.message.length).toBeLessThan(1500);
    expect((await world.stored()).size).toBe(0);
  });
});
