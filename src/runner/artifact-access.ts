import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ArtifactAccess } from '../storage/artifact/artifact-access.ts';
import { Secret } from '../system/secret.ts';
import type { GitHubContext } from './github-context.ts';

/** Where this job's artifacts are kept, as the runner tells. `token`: the input `github-token`, empty for none. */
export function readArtifactAccess(
  env: NodeJS.ProcessEnv,
  context: GitHubContext,
  token: string,
): ArtifactAccess {
  const { ACTIONS_RESULTS_URL: url, ACTIONS_RUNTIME_TOKEN: runtimeToken } = env;
  return {
    serverUrl: env.GITHUB_SERVER_URL || 'https://github.com',
    apiUrl: env.GITHUB_API_URL || 'https://api.github.com',
    repository: context.repository,
    runId: context.runId,
    attempt: context.attempt,
    token: token === '' ? null : new Secret(token),
    service: url && runtimeToken ? { url, token: new Secret(runtimeToken) } : null,
    isPublic: isPublic(env.GITHUB_EVENT_PATH),
    maximumRetentionDays: Number(env.GITHUB_RETENTION_DAYS) || null,
  };
}

const eventSchema = z.object({ repository: z.object({ private: z.boolean() }) });

/** What the event's payload says of the repository; null when it says nothing. */
function isPublic(eventPath: string | undefined): boolean | null {
  if (!eventPath) return null;
  try {
    const event = eventSchema.safeParse(JSON.parse(readFileSync(eventPath, 'utf8')));
    return event.success ? !event.data.repository.private : null;
  } catch {
    return null;
  }
}
