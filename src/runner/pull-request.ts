import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { PullRequest } from '../commands/shared/context.ts';

const repository = z.object({ full_name: z.string() });
const event = z.object({
  pull_request: z.object({
    number: z.int().positive(),
    base: z.object({ sha: z.string().regex(/^[0-9a-f]{40,64}$/), repo: repository }),
    head: z.object({
      sha: z.string().regex(/^[0-9a-f]{40,64}$/),
      // null when the fork was deleted meanwhile.
      repo: repository.nullable(),
    }),
  }),
});

/** The pull request that the event of this run is about; null for other events and outside of GitHub Actions. */
export function readPullRequest(env: NodeJS.ProcessEnv): PullRequest | null {
  const path = env.GITHUB_EVENT_PATH;
  if (!path) return null;
  let payload: unknown;
  try {
    payload = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
  const parsed = event.safeParse(payload);
  if (!parsed.success) return null;
  const { number, base, head } = parsed.data.pull_request;
  return {
    number,
    baseCommit: base.sha,
    headCommit: head.sha,
    isFromFork: head.repo?.full_name !== base.repo.full_name,
  };
}
