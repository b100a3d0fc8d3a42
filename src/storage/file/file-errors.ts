import { messageOf, SafeMigrateError } from '../../system/errors.ts';

/** The operating system's code of an error (`ENOENT`), if it has one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What the file system refused, in words. Errors that are ours already pass unchanged. */
export function fileStorageError(error: unknown, action: string, path: string): SafeMigrateError {
  if (error instanceof SafeMigrateError) return error;
  const code = systemCode(error);
  const common = { docs: 'storage.md', cause: error } as const;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SafeMigrateError({
      ...common,
      code: 'SM_STORAGE_FULL',
      message: `${path} could not be written: the disk (or the quota) is full`,
      hint: 'Free space there, lower retention-days or keep-last, or add another storage.',
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new SafeMigrateError({
      ...common,
      code: 'SM_STORAGE_FORBIDDEN',
      message: `not allowed to ${action} ${path} (${code})`,
      hint: 'Give the user that runs this job the right to read and write in that folder.',
    });
  }
  if (code === 'ENAMETOOLONG') {
    return new SafeMigrateError({
      ...common,
      code: 'SM_STORAGE_KEY',
      message: `${path} is longer than this file system allows`,
      hint: 'Use a shorter label or a folder with a shorter path.',
    });
  }
  return new SafeMigrateError({
    ...common,
    code: 'SM_STORAGE_FAILED',
    message: `could not ${action} ${path} (${code ?? messageOf(error)})`,
    hint: 'Look at the disk and at the folder; then run the job again.',
  });
}

export function fileNotFound(path: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_STORAGE_NOT_FOUND',
    message: `${path} does not exist`,
    hint: 'Look which backups this storage holds.',
    docs: 'storage.md',
    cause,
  });
}

export function fileExists(path: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_STORAGE_EXISTS',
    message: `${path} exists already and is never replaced`,
    hint: 'Stored backups are write-once. Run the job again: a new run gets a new name.',
    docs: 'storage.md',
    cause,
  });
}
