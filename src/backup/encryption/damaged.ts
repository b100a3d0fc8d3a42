import { SafeMigrateError } from '../../system/errors.ts';

/** A stored backup that is not what its manifest says. `message` names which, and where. */
export function damaged(message: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_BACKUP_DAMAGED',
    message,
    hint: 'Nothing was touched. Use another storage that holds this backup, or another backup.',
    docs: 'storage.md',
    phase: 'fetch',
    cause,
  });
}
