import * as core from '@actions/core';
import type { PullRequest } from '../commands/shared/context.ts';
import { commentMarkdown, commentMarker } from '../rendering/comment.ts';
import type { Report } from '../report/report.ts';
import { messageOf } from '../system/errors.ts';
import type { GitHubContext } from './github-context.ts';

/**
 * Keeps one comment for what this job checks on the pull request: made once, edited after that. A comment that cannot be
 * written (a fork's token may only read) is a warning; the job summary holds the same.
 */
export async function commentOnPullRequest(request: {
  readonly report: Report;
  readonly context: GitHubContext;
  readonly pullRequest: PullRequest;
  readonly token: string;
}): Promise<void> {
  const { report, context, pullRequest, token } = request;
  const [owner, repo] = context.repository?.split('/') ?? [];
  if (report.check === null || owner === undefined || repo === undefined) return;
  if (pullRequest.isFromFork) {
    core.info(
      'No comment: the token of a pull request from a fork may only read. The job summary holds the same.',
    );
    return;
  }
  try {
    const { getOctokit } = await import('@actions/github');
    const api = getOctokit(token).rest.issues;
    const where = { owner, repo };
    const marker = commentMarker(report.check.subject, context.job);
    const body = commentMarkdown(report, context.job);
    const ours = await findComment(getOctokit(token), { ...where, issue_number: pullRequest.number }, marker);
    if (ours === null) await api.createComment({ ...where, issue_number: pullRequest.number, body });
    else await api.updateComment({ ...where, comment_id: ours, body });
  } catch (error) {
    core.warning(
      `The pull request could not be commented on: ${messageOf(error)}. The job needs \`permissions: pull-requests: write\`; the job summary holds the same.`,
    );
  }
}

type Octokit = ReturnType<typeof import('@actions/github')['getOctokit']>;

/**
 * Ours by its first line and by its author, a bot or whoever this token belongs to: a person who copies that line does
 * not get his comment edited.
 */
async function findComment(
  octokit: Octokit,
  place: { readonly owner: string; readonly repo: string; readonly issue_number: number },
  marker: string,
): Promise<number | null> {
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, { ...place, per_page: 100 });
  const byPeople: { readonly id: number; readonly author: string | undefined }[] = [];
  for await (const { data } of pages) {
    for (const { id, body, user } of data) {
      if (body?.startsWith(marker) !== true) continue;
      if (user?.type === 'Bot') return id;
      byPeople.push({ id, author: user?.login });
    }
  }
  if (byPeople.length === 0) return null;
  const ourselves = await loginOf(octokit);
  return byPeople.find(({ author }) => author === ourselves)?.id ?? null;
}

/** null for the token of a workflow, which is nobody's. */
async function loginOf(octokit: Octokit): Promise<string | null> {
  try {
    return (await octokit.rest.users.getAuthenticated()).data.login;
  } catch {
    return null;
  }
}
