import type { Finding } from '../../report/check-report.ts';
import type { SafeMigrateError } from '../../system/errors.ts';

/** An error that keeps a part of the check from looking, as a finding of that part; it belongs to no line. */
export function asFinding({
  code,
  message,
  hint,
}: Pick<SafeMigrateError, 'code' | 'message' | 'hint'>): Finding {
  return { severity: 'error', code, message, hint, file: null, line: null };
}
