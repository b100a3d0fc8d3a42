import { describe, expect, it } from 'vitest';
import { readGitHubContext } from '../../../src/runner/github-context.ts';

describe('the context of a run', () => {
  it('is read from the variables that the runner sets', () => {
    expect(
      readGitHubContext({
        GITHUB_REPOSITORY: 'applizor/erp',
        GITHUB_RUN_ID: '164',
        GITHUB_WORKFLOW: 'Check migrations',
        GITHUB_JOB: 'check',
        GITHUB_RUN_ATTEMPT: '2',
        GITHUB_SERVER_URL: 'https://git.example.com',
        GITHUB_SHA: '0d1b2c3d',
        GITHUB_WORKSPACE: '/srv/erp',
        RUNNER_ENVIRONMENT: 'github-hosted',
        RUNNER_TEMP: '/srv/temp',
      }),
    ).toEqual({
      repository: 'applizor/erp',
      runUrl: 'https://git.example.com/applizor/erp/actions/runs/164/attempts/2',
      runId: '164',
      job: 'Check migrations/check',
      attempt: 2,
      commit: '0d1b2c3d',
      hosted: true,
      temporaryDirectory: '/srv/temp',
      workspace: '/srv/erp',
    });
  });

  it('works outside of GitHub Actions', () => {
    expect(readGitHubContext({})).toMatchObject({ runUrl: null, commit: null, attempt: 1, hosted: false });
  });
});
