import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inputEntry, inputNames } from '../../src/runner/input-catalogue.ts';
import { addQuotations } from '../support/erp.ts';
import { expectRefused } from '../support/refusal.ts';
import { createWorld, type World } from '../support/world.ts';

const notYet = inputNames.filter((name) => inputEntry(name).later !== undefined);

describe('migrate refuses inputs, all problems at once, and touches nothing:', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ pending: { '20260103000000_add_quotations': addQuotations } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('unknown names, unknown values and wrong forms', async () => {
    const { report } = await expectRefused(
      world,
      {
        inputs: {
          command: 'migrat',
          stroage: 's3://bucket',
          'database-url': 'postgresql://u:pw-of-the-input@h:port/db',
          storage: `${world.storageUrl}\n${world.storageUrl}\nftp://somewhere`,
          'working-directory': 'no-such-folder',
          verify: 'arhive',
          recovery: 'in-place',
          'on-new-writes': 'keep',
          jobs: '99',
          label: 'Ünsafe label',
          'keep-failed': 'all',
        },
      },
      [...Array<string>(10).fill('SM_INPUT'), 'SM_NOT_YET', 'SM_URL_INVALID'],
    );
    expect(report.problems.map((problem) => problem.message.split(':')[0]).sort()).toEqual(
      [
        'command',
        'stroage',
        'database-url',
        'storage',
        'storage',
        'working-directory',
        'verify',
        'recovery',
        'on-new-writes',
        'jobs',
        'label',
        'keep-failed',
      ].sort(),
    );
  });

  it('every input whose part is still to come, by its name', async () => {
    const secret = 'given-all-the-same';
    const { result, report } = await expectRefused(
      world,
      { inputs: Object.fromEntries(notYet.map((name) => [name, secret])) },
      notYet.map(() => 'SM_NOT_YET'),
    );
    expect(report.problems.map((problem) => problem.message.split(':')[0])).toEqual(notYet);
    for (const name of notYet) expect(result.log).toContain(`${name}: arrives with a later version`);
    expect(result.log).not.toContain(secret);
  });

  it.each(['drill'])('command %s, which is still to come', async (command) => {
    const { report } = await expectRefused(world, { inputs: { command } }, ['SM_NOT_YET']);
    expect(report.problems[0]?.message).toContain(`command: "${command}" arrives with a later version`);
  });

  it('a backup that would be gone with the machine', async () => {
    const { report } = await expectRefused(
      world,
      {
        inputs: { storage: `file://${join(world.folder, 'backups')}` },
        env: { RUNNER_ENVIRONMENT: 'github-hosted' },
      },
      ['SM_INPUT'],
    );
    expect(report.problems[0]?.message).toContain('GitHub-hosted runner');
  });

  it('no storage and no encryption: artifacts are readable for everybody who can read the repository', async () => {
    await expectRefused(world, { inputs: { storage: '' } }, ['SM_ARTIFACT_PUBLIC']);
  });

  it('keys in the storage URL, which are not shown', async () => {
    const { result } = await expectRefused(
      world,
      { inputs: { storage: 's3://AKIAKEY:very-secret-key@bucket/prefix' } },
      ['SM_INPUT'],
    );
    expect(result.rawLog).not.toContain('very-secret-key');
  });
});
