import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareBranches } from '../../../src/check/branch-history.ts';
import { readBaseBranch } from '../../../src/git/base-branch.ts';

const run = promisify(execFile);

let home: string;
/** The repository at GitHub. */
let origin: string;
const commits = { old: '', base: '', head: '', merge: '' };

const git = async (directory: string, ...args: readonly string[]): Promise<string> => {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
  const { stdout } = await run('git', [...identity, ...args], { cwd: directory });
  return stdout.trim();
};

async function commit(name: string, script = name): Promise<string> {
  const folder = join(origin, 'prisma', 'migrations', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'migration.sql'), `${script}\n`);
  await git(origin, 'add', '-A');
  await git(origin, 'commit', '--quiet', '--message', name);
  return await git(origin, 'rev-parse', 'HEAD');
}

/**
 * `change` left `main` at 1_init and added 3_mine. Then `main` got 2_theirs and 4_theirs, and GitHub merged `change` into it
 * for the run, while the event still names the `main` of the last push.
 */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'safe-migrate-base-'));
  origin = join(home, 'origin');
  await mkdir(origin);
  await git(origin, 'init', '--quiet', '--initial-branch=main');
  commits.old = await commit('1_init');
  await git(origin, 'checkout', '--quiet', '-b', 'change');
  commits.head = await commit('3_mine');
  await git(origin, 'checkout', '--quiet', 'main');
  await commit('2_theirs');
  commits.base = await commit('4_theirs');
  await git(origin, 'checkout', '--quiet', '--detach');
  await git(origin, 'merge', '--quiet', '--no-edit', 'change');
  commits.merge = await git(origin, 'rev-parse', 'HEAD');
  await git(origin, 'update-ref', 'refs/pull/7/merge', commits.merge);
  await git(origin, 'update-ref', 'refs/pull/7/head', commits.head);
  // As GitHub does.
  await git(origin, 'config', 'uploadpack.allowReachableSHA1InWant', 'true');
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** As actions/checkout does: one ref, with all of its history or (as it does by default) one commit of it. */
async function checkout(ref: string, depth: number | null): Promise<string> {
  const directory = await mkdtemp(join(home, 'clone-'));
  await git(directory, 'init', '--quiet');
  await git(directory, 'remote', 'add', 'origin', `file://${origin}`);
  const depths = depth === null ? [] : [`--depth=${depth}`];
  await git(directory, 'fetch', '--quiet', ...depths, 'origin', `+${ref}:refs/remotes/pull/7`);
  await git(directory, 'checkout', '--quiet', 'refs/remotes/pull/7');
  return directory;
}

async function compared(repository: string, baseCommit: string) {
  const folder = 'prisma/migrations';
  const { base, head, tip, isMerged } = await readBaseBranch({
    repository,
    paths: [join(repository, folder)],
    baseCommit,
    headCommit: commits.head,
  });
  const { added, findings, ahead } = compareBranches(base, head, { isMerged, tip, folder });
  return {
    added,
    findings: findings.map(({ severity, code, message }) => `${severity} ${code} ${message}`),
    ahead: [...ahead],
    isMerged,
  };
}

const outOfOrder =
  'warning SM_MIGRATION_ORDER migration 3_mine sorts before 4_theirs, which is on the base branch already';

describe('the base of a pull request whose base branch has moved on', () => {
  it.each([
    ['one commit, as actions/checkout fetches it', 1],
    ['all of the history', null],
  ])(
    'is the first parent of the merge that is checked out (%s), whatever the event says',
    async (_, depth) => {
      const clone = await checkout('refs/pull/7/merge', depth);
      expect(await compared(clone, commits.old)).toEqual({
        added: ['3_mine'],
        findings: [outOfOrder],
        ahead: [],
        isMerged: true,
      });
    },
  );

  it('is where the pull request’s own branch left it, when that is checked out', async () => {
    const clone = await checkout('refs/pull/7/head', null);
    await git(clone, 'fetch', '--quiet', 'origin', 'main');
    // 2_theirs and 4_theirs are not deleted here: this branch has not got them yet.
    expect(await compared(clone, commits.base)).toEqual({
      added: ['3_mine'],
      findings: [outOfOrder],
      ahead: ['2_theirs', '4_theirs'],
      isMerged: true,
    });
    expect((await compared(clone, commits.old)).findings).toEqual([]);
  });

  it('is not known when nothing else of that branch was fetched: what is missing may be behind', async () => {
    const clone = await checkout('refs/pull/7/head', 1);
    const found = await compared(clone, commits.base);
    expect(found).toMatchObject({ added: ['3_mine'], isMerged: false });
    expect(found.findings).toEqual([
      expect.stringMatching(
        /^warning SM_HISTORY_MISSING migration 2_theirs .* deleted, or this branch is behind$/,
      ),
      expect.stringMatching(/^warning SM_HISTORY_MISSING migration 4_theirs /),
      outOfOrder,
    ]);
  });

  it('is where that branch last took the base branch in', async () => {
    await git(origin, 'checkout', '--quiet', '-b', 'merged', commits.head);
    await git(origin, 'merge', '--quiet', '--no-edit', commits.base);
    const head = await git(origin, 'rev-parse', 'HEAD');
    const clone = await checkout('refs/heads/merged', null);
    const folder = 'prisma/migrations';
    const {
      base,
      head: after,
      tip,
      isMerged,
    } = await readBaseBranch({
      repository: clone,
      paths: [join(clone, folder)],
      baseCommit: commits.base,
      headCommit: head,
    });
    expect(compareBranches(base, after, { isMerged, tip, folder }).added).toEqual(['3_mine']);
  });

  it('cannot be had from a place that does not answer', async () => {
    const clone = await checkout('refs/pull/7/head', 1);
    await git(clone, 'remote', 'set-url', 'origin', join(home, 'nowhere'));
    await expect(compared(clone, commits.base)).rejects.toMatchObject({
      code: 'SM_BASE_BRANCH',
      hint: expect.stringContaining('fetch-depth: 0') as string,
    });
  });
});
