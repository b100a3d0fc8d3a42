import { SafeMigrateError } from '../../system/errors.ts';
import type { ExpectedContent } from './storage.ts';

/** The error for a content that is not the expected one. `url` names the object, without credentials. */
export function storageMismatch(
  url: string,
  expected: ExpectedContent,
  found: { readonly sizeBytes: number; readonly sha256?: string },
): SafeMigrateError {
  const difference =
    expected.sizeBytes === found.sizeBytes
      ? 'its content differs from what was sent'
      : `${expected.sizeBytes} bytes were expected, ${found.sizeBytes} are there`;
  return new SafeMigrateError({
    code: 'SM_STORAGE_MISMATCH',
    message: `${url} does not hold what it should: ${difference}`,
    hint: 'The object was removed. Run the job again; when it happens again, do not trust this storage.',
    docs: 'storage.md',
  });
}
