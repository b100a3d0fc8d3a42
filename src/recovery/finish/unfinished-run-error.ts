import type { Result } from '../../report/report.ts';
import { SafeMigrateError } from '../../system/errors.ts';

/** An earlier run is unfinished and stays so: this one has not begun, and its result says how that one stands. */
export class UnfinishedRunError extends SafeMigrateError {
  override readonly name = 'UnfinishedRunError';
  readonly result: Extract<Result, 'refused' | 'stopped' | 'recovery-failed'>;

  constructor(problem: SafeMigrateError, result: UnfinishedRunError['result']) {
    super({
      code: problem.code,
      message: problem.message,
      hint: problem.hint,
      docs: problem.docs,
      cause: problem.cause,
      ...(problem.phase === undefined ? {} : { phase: problem.phase }),
    });
    this.result = result;
  }
}
