import { relative } from 'node:path';
import { childEnvironment } from '../system/child-environment.ts';
import { SafeMigrateError } from '../system/errors.ts';
import { readOutput } from '../system/process.ts';
import { runShortCommand } from '../system/short-command.ts';

/** Path below the repository's root → git's blob id. */
type Listing = ReadonlyMap<string, string>;

/** What the base of a pull request holds in some folders and files, beside what the head holds there. */
export interface BaseBranch {
  /** Where the pull request starts from: what differs between this and the head is its own doing. */
  readonly base: Listing;
  readonly head: Listing;
  /** The tip of the base branch, which may have moved on since; as far as it is known. */
  readonly tip: Listing;
  /** `base` is known to be where the head comes from: what is missing in the head was deleted, and is not just behind. */
  readonly isMerged: boolean;
}

/** For what asks the remote; everything else is answered by the clone. */
const fetchTimeoutMs = 60_000;

/**
 * Reads `paths` in the base and in HEAD. Of a shallow clone, which is what actions/checkout makes, the commit that is
 * needed is fetched alone (`--depth=1`). Writes nothing but git's own objects.
 *
 * `baseCommit` is the base branch as it was when the pull request was last pushed to, while the merge that GitHub makes
 * for a run takes the base branch as it is then: its first parent counts. Where the pull request's own branch is
 * checked out, it is the commit where that left the base branch.
 * Rejects with SM_BASE_BRANCH: no git, no repository, or a base that cannot be had.
 */
export async function readBaseBranch(request: {
  /** Root of the checked-out repository. */
  readonly repository: string;
  /** Absolute paths of folders and files. */
  readonly paths: readonly string[];
  readonly baseCommit: string;
  readonly headCommit: string;
}): Promise<BaseBranch> {
  const { repository, baseCommit, headCommit } = request;
  const paths = request.paths.map((path) => relative(repository, path));
  const outside = paths.find((path) => path.startsWith('..'));
  if (outside !== undefined) throw notReadable(`${outside} lies outside of the repository`);
  const [mergedInto, merged] = await parentsOfHead(repository);
  const tip = mergedInto !== undefined && merged === headCommit ? mergedInto : baseCommit;
  await fetchCommit(repository, tip);
  const start = tip === mergedInto ? tip : await forkPoint(repository, tip);
  const list = (commit: string) => listing(repository, commit, paths);
  const [base, head] = await Promise.all([list(start ?? tip), list('HEAD')]);
  return { base, head, tip: start === tip ? base : await list(tip), isMerged: start !== null };
}

async function fetchCommit(repository: string, commit: string): Promise<void> {
  if (await succeeds(repository, 'cat-file', '-e', `${commit}^{commit}`)) return;
  if (await succeeds(repository, 'fetch', '--quiet', '--no-tags', '--depth=1', 'origin', commit)) return;
  throw notReadable(`the base commit ${commit.slice(0, 12)} is not in this clone and cannot be fetched`);
}

/** Of a merge commit; it names them even where their history was cut off. */
async function parentsOfHead(repository: string): Promise<readonly string[]> {
  const commit = await git(repository, 'cat-file', '-p', 'HEAD');
  const [headers = ''] = commit.split('\n\n', 1);
  const parents = [...headers.matchAll(/^parent (\S+)$/gm)].map(([, id = '']) => id);
  return parents.length > 1 ? parents : [];
}

/** The last commit that HEAD has in common with the base branch; null where the history does not reach that far. */
async function forkPoint(repository: string, tip: string): Promise<string | null> {
  const { exitCode, stdout } = await run(repository, ['merge-base', tip, 'HEAD']);
  return exitCode === 0 ? stdout.trim() : null;
}

/** `git ls-tree -r -z`: `<mode> blob <id>\t<path>` for every file. */
async function listing(repository: string, commit: string, paths: readonly string[]): Promise<Listing> {
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

async function git(repository: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(repository, args);
  if (exitCode === 0) return stdout;
  throw notReadable(`git ${args[0]} failed: ${stderr.trim().split('\n').at(-1) ?? ''}`);
}

async function succeeds(repository: string, ...args: readonly string[]): Promise<boolean> {
  return (await run(repository, args)).exitCode === 0;
}

async function run(repository: string, args: readonly string[]) {
  // In a container job the checkout belongs to another user, which git would refuse to read.
  const all = ['-c', `safe.directory=${repository}`, '-c', 'core.quotePath=false', ...args];
  const options = { cwd: repository, env: childEnvironment({ GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' }) };
  try {
    return args[0] === 'fetch'
      ? await readOutput('git', all, { ...options, timeoutMs: fetchTimeoutMs })
      : await runShortCommand('git', all, options);
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
