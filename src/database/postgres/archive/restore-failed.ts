import { SafeMigrateError } from '../../../system/errors.ts';
import type { ToolFailure } from '../server/tool-failure.ts';

/** The error of a restore that a tool refused, with the object that the tool named. */
export function restoreFailed(what: string, failure: ToolFailure): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_RESTORE_FAILED',
    message: `${what}${failure.object === null ? '' : ` at ${failure.object}`}: ${failure.message}`,
    hint:
      'A dump that cannot be restored is no backup. Often a function in a CHECK constraint, an index or a materialized ' +
      'view names other objects without their schema: give the function SET search_path, or qualify the names.',
    docs: 'postgresql.md',
    phase: 'prove',
  });
}
