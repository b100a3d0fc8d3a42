import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addQuotations, splitNameFails } from '../support/erp.ts';
import { runAction } from '../support/runner.ts';
import { createWorld } from '../support/world.ts';

const root = resolve(import.meta.dirname, '../..');
const pending = '20260103000000_next';

describe('a copy of dist/ alone', () => {
  let folder = '';
  let dist = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'safe-migrate-bundle-'));
    dist = join(folder, 'dist');
    await cp(join(root, 'dist'), dist, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('migrates', async () => {
    await using world = await createWorld({ pending: { [pending]: addQuotations } });
    await using run = await world.migrate({ dist });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'migrated',
      'restore-proved': 'true',
    });
    expect((await world.stored()).size).toBe(3);
    expect((await run.post()).exitCode).toBe(0);
  });

  it('recovers, with the SQL parser that lies beside it', async () => {
    await using world = await createWorld({ pending: { [pending]: splitNameFails } });
    const before = await world.state();
    await using run = await world.migrate({ dist });
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    expect(await world.state()).toEqual(before);
  });

  it('answers a bad input without loading what the answer does not need', async ({ annotate }) => {
    const timesMs: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const startedAt = performance.now();
      await using refused = await runAction({ dist, inputs: { command: 'migrat' } });
      timesMs.push(Math.round(performance.now() - startedAt));
      expect(refused.result.outputs.result).toBe('refused');
    }
    await annotate(`from start to the answer to a bad input: ${timesMs.join(', ')} ms`);
  });
});

describe('dist/', () => {
  const filesOf = async () => {
    const names = await readdir(join(root, 'dist'));
    return Promise.all(
      names.map(async (name) => ({ name, text: await readFile(join(root, 'dist', name), 'latin1') })),
    );
  };

  it('names no folder, user or machine of whoever built it', async () => {
    const { homedir, username } = userInfo();
    const traces = [root, `${homedir}/`, `/home/${username}`, `${tmpdir()}/safe-migrate`, hostname()];
    // A short name of a machine or a user (`root`, `ci`) is a word that may stand in any program.
    const telling = traces.filter((trace) => trace.length > 8 || trace.startsWith('/'));
    for (const { name, text } of await filesOf()) {
      for (const trace of telling) expect(text.includes(trace), `${trace} in ${name}`).toBe(false);
      // Where modules came from is told relative to the repository.
      const origins = originsIn(text).filter((origin) => !/^(node_modules|src)\//.test(origin));
      expect(origins, name).toEqual([]);
    }
  });

  it('brings the licence of every package that is in it', async () => {
    const licenses = await readFile(join(root, 'dist', 'licenses.txt'), 'utf8');
    const packages = new Set<string>();
    for (const { text } of await filesOf()) {
      for (const origin of originsIn(text)) {
        const path = origin.split('node_modules/').at(-1) ?? '';
        if (path !== origin) packages.add(path.split('/', path.startsWith('@') ? 2 : 1).join('/'));
      }
    }
    expect(packages).toContain('@aws-sdk/client-s3');
    for (const name of packages) expect(licenses).toMatch(new RegExp(`^${name} \\d+\\.\\S+ \\(.+\\)$`, 'm'));
  });
});

/** The modules that a file of dist/ was made of, as the bundler notes them above each. */
function originsIn(text: string): string[] {
  return [...text.matchAll(/^\/\/ (\S*(?:node_modules|src)\/\S+\.\w+)$/gm)].map(([, origin]) => origin ?? '');
}
