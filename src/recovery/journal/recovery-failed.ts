import { SafeMigrateError } from '../../system/errors.ts';

/** The error with which a recovery ends that did not bring the target back. */
export function recoveryFailed(message: string, cause: unknown): SafeMigrateError {
  const detail = cause instanceof Error ? `: ${cause.message}` : '';
  return new SafeMigrateError({
    code: 'SM_RECOVERY_FAILED',
    phase: 'recover',
    docs: 'recovery.md',
    message: `${message}${detail}`,
    hint: 'Do not run further migrations. The report lists the commands that finish the recovery by hand.',
    cause,
  });
}
