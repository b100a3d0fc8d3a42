import { SafeMigrateError } from '../../system/errors.ts';

/** An upload that failed and could not be cleaned up behind: something of it may be in the storage. */
export class LeftBehindError extends SafeMigrateError {
  override readonly name = 'LeftBehindError';
}
