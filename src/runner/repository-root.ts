import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type { GitHubContext } from './github-context.ts';

/** The nearest folder above (or at) `directory` that is a git checkout; `workspace` where there is none. */
export function repositoryRootOf(directory: string, workspace: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return workspace;
  }
}

/**
 * Folders whose files a project may consist of: the workspace, and the repository that the project lies in. On a runner a
 * checkout above the workspace (somebody's home that is kept in git) is none of it.
 */
export function checkoutRoots(
  { workspace, repository: name }: Pick<GitHubContext, 'workspace' | 'repository'>,
  repository: string,
): readonly string[] {
  const isAbove =
    name !== null && repository !== workspace && `${workspace}${sep}`.startsWith(`${repository}${sep}`);
  return isAbove ? [workspace] : [workspace, repository];
}
