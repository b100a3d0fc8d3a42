import { SafeMigrateError } from './errors.ts';

/** What the disk refused while a file of the run's own was written. */
export function diskError(error: unknown, path: string, writtenBytes: number): SafeMigrateError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SafeMigrateError({
      code: 'SM_DISK_FULL',
      message: `the disk is full: ${path} could not be written beyond ${writtenBytes} bytes`,
      hint: 'Free space where the runner keeps its temporary files (RUNNER_TEMP), or use a runner with a larger disk.',
      cause: error,
    });
  }
  return new SafeMigrateError({
    code: 'SM_DISK',
    message: `${path} could not be written (${code}) after ${writtenBytes} bytes`,
    hint: 'Look at the disk and the rights of the folder where the runner keeps its temporary files (RUNNER_TEMP).',
    cause: error,
  });
}
