import type { BackupLocation } from '../report/report.ts';

/**
 * Whether what a storage holds is still there when the job is over. A GitHub-hosted runner is thrown away
 * with its disk; `runnerEnvironment` is RUNNER_ENVIRONMENT, `github-hosted` or `self-hosted`.
 */
export function survivesTheJob(
  kind: BackupLocation['storage'],
  runnerEnvironment: string | undefined,
): boolean {
  return kind !== 'file' || runnerEnvironment !== 'github-hosted';
}
