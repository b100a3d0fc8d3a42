import { tmpdir } from 'node:os';
import { resolve } from 'node:path';

/** Where and for whom this run works, as the runner tells. All of it may stand in a log. */
export interface GitHubContext {
  /** `owner/name`; null outside GitHub Actions. */
  readonly repository: string | null;
  /** Link to this attempt of the workflow run; null outside GitHub Actions. */
  readonly runUrl: string | null;
  readonly runId: string | null;
  /** `workflow/job`: the same for every run of it; empty outside GitHub Actions. */
  readonly job: string;
  /** Counts re-runs, from 1. */
  readonly attempt: number;
  /** The checked-out commit; null outside GitHub Actions. */
  readonly commit: string | null;
  /** Whether the machine is thrown away after the job: its disk is no place to keep a backup. */
  readonly hosted: boolean;
  /** Absolute; emptied by the runner between jobs. */
  readonly temporaryDirectory: string;
  /** Absolute; the root of the checked-out repository. */
  readonly workspace: string;
}

/** Reads the runner's own variables; together with `inputs.ts` and `state.ts` the only reader of the environment. */
export function readGitHubContext(env: NodeJS.ProcessEnv): GitHubContext {
  const repository = env.GITHUB_REPOSITORY || null;
  const runId = env.GITHUB_RUN_ID || null;
  const attempt = Number(env.GITHUB_RUN_ATTEMPT) || 1;
  const server = env.GITHUB_SERVER_URL || 'https://github.com';
  return {
    repository,
    runUrl: repository && runId ? `${server}/${repository}/actions/runs/${runId}/attempts/${attempt}` : null,
    runId,
    job: [env.GITHUB_WORKFLOW, env.GITHUB_JOB].filter((name) => name).join('/'),
    attempt,
    commit: env.GITHUB_SHA || null,
    hosted: env.RUNNER_ENVIRONMENT === 'github-hosted',
    temporaryDirectory: resolve(env.RUNNER_TEMP || tmpdir()),
    workspace: resolve(env.GITHUB_WORKSPACE || process.cwd()),
  };
}
