import { SafeMigrateError } from '../../system/errors.ts';

/** S3's limit for a whole key, bytes of UTF-8. */
const maximumKeyBytes = 1024;

/**
 * Returns `prefix/key` when `key` can be one everywhere, and rejects what could climb out of the prefix or
 * be read differently by different servers: empty, `.` and `..` parts, control characters.
 */
export function objectKey(prefix: string, key: string): string {
  const whole = prefix === '' ? key : `${prefix}/${key}`;
  const parts = key.split('/');
  const isKey =
    parts.every((part) => part !== '' && part !== '.' && part !== '..') &&
    !/\p{Cc}/u.test(key) &&
    key.isWellFormed() &&
    Buffer.byteLength(whole) <= maximumKeyBytes;
  if (isKey) return whole;
  throw new SafeMigrateError({
    code: 'SM_STORAGE_KEY',
    message: `${JSON.stringify(key)} cannot be the name of a stored object`,
    hint: `Names have no empty, "." or ".." parts and no control characters, and with the prefix at most ${maximumKeyBytes} bytes.`,
    docs: 'storage.md',
  });
}
