import { relative } from 'node:path';
import { childEnvironment } from '../system/child-environment.ts';
import { SafeMigrateError } from '../system/errors.ts';
import { readOutput } from '../system/process.ts';

/** What the base of a pull request holds in some folders and files, beside what the head holds there. */
export interface BaseBranch {
  /** Path below the repository's root → git's blob id. */
  readonly base: ReadonlyMap<string, string>;
  readonly head: ReadonlyMap<string, string>;
  /** The head holds the base commit: what is missing in it was deleted, and is not just behind. */
  readonly isMerged: boolean;
}

const gitTimeoutMs = 60_000;

/**
 * Reads `paths` in the base commit and in HEAD. Of a shallow clone, which is what actions/checkout makes, the
 * base commit is fetched alone (`--depth=1`). Writes nothing but git's own objects.
 * Rejects with SM_BASE_BRANCH: no git, no repository, or a base that cannot be had.
 */
export async function readBaseBranch(request: {
  /** Root of the checked-out repository. */
  readonly repository: string;
  /** Absolute paths of folders and files. */
  readonly paths: readonly string[];
  readonly baseCommit: string;
}): Promise<BaseBranch> {
  const { repository, baseCommit } = request;
  const paths = request.paths.map((path) => relative(repository, path));
  const outside = paths.find((path) => path.startsWith('..'));
  if (outside !== undefined) throw notReadable(`${outside} lies outside of the repository`);
  if (!(await succeeds(repository, 'cat-file', '-e', `${baseCommit}^{commit}`))) {
    if (!(await succeeds(repository, 'fetch', '--quiet', '--no-tags', '--depth=1', 'origin', baseCommit))) {
      throw notReadable(
        `the base commit ${baseCommit.slice(0, 12)} is not in this clone and cannot be fetched`,
      );
    }
  }
  const [base, head, isMerged] = await Promise.all([
    listing(repository, baseCommit, paths),
    listing(repository, 'HEAD', paths),
    holds(repository, baseCommit),
  ]);
  return { base, head, isMerged };
}

/** `git ls-tree -r -z`: `<mode> blob <id>\t<path>` for every file. */
async function listing(
  repository: string,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const text = await git(
    repository,
    'ls-tree',
    '-r',
    '-z',
    commit,
    '--',
    ...paths.map((path) => path || '.'),
  );
  const files = new Map<string, string>();
  for (const entry of text.split('\0')) {
    const [, id, path] = /^\S+ blob (\S+)\t(.*)$/s.exec(entry) ?? [];
    if (id !== undefined && path !== undefined) files.set(path, id);
  }
  return files;
}

/** A merge commit names its parents even where their history was cut off. */
async function holds(repository: string, baseCommit: string): Promise<boolean> {
  const commit = await git(repository, 'cat-file', '-p', 'HEAD');
  const [headers = ''] = commit.split('\n\n', 1);
  const parents = [...headers.matchAll(/^parent (\S+)$/gm)].map(([, id]) => id);
  if (parents.includes(baseCommit)) return true;
  return await succeeds(repository, 'merge-base', '--is-ancestor', baseCommit, 'HEAD');
}

async function git(repository: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(repository, args);
  if (exitCode === 0) return stdout;
  throw notReadable(`git ${args[0]} failed: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}

async function succeeds(repository: string, ...args: readonly string[]): Promise<boolean> {
  return (await run(repository, args)).exitCode === 0;
}

async function run(repository: string, args: readonly string[]) {
  try {
    // In a container job the checkout belongs to another user, which git would refuse to read.
    return await readOutput(
      'git',
      ['-c', `safe.directory=${repository}`, '-c', 'core.quotePath=false', ...args],
      {
        cwd: repository,
        env: childEnvironment({ GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }),
        timeoutMs: gitTimeoutMs,
      },
    );
  } catch (cause) {
    throw notReadable('git could not be run', cause);
  }
}

function notReadable(reason: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_BASE_BRANCH',
    message: `the base branch could not be read: ${reason}`,
    hint: 'Give actions/checkout fetch-depth: 0, or leave persist-credentials on so that the base commit can be fetched.',
    docs: 'check.md',
    cause,
  });
}
