import { SafeMigrateError } from '../../../system/errors.ts';

/** SM_PROPERTY: something of the database itself that its copy cannot be given. */
export function propertyError(message: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_PROPERTY',
    message,
    hint:
      'The role of database-url must be allowed to set it: a member of the owner and of the grantors; for settings that ' +
      'only a superuser may set, GRANT SET ON PARAMETER (PostgreSQL 15 and later). Or remove it from the target.',
    docs: 'postgresql.md',
    phase: 'prove',
    cause,
  });
}
