import { SafeMigrateError } from '../../system/errors.ts';

/** The reason of the result `stopped`. */
export function stopped(because: string): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_STOPPED',
    phase: 'recover',
    docs: 'recovery.md',
    message: `the target was left as it is: ${because}`,
    hint: 'Choose one of the two ways to finish that the report lists; until then the copy of the state before stays.',
  });
}
