import { SafeMigrateError } from '../../../system/errors.ts';
import { SqlError } from '../session/sql-errors.ts';

/** SQLSTATEs of a name that was not found: a function that leaves schemas out does not find what it names. */
const unknownNames: ReadonlySet<string> = new Set(['42883', '42P01', '42704', '42703']);

/** Says what was being read when it failed: SM_READ_FAILED. */
export async function namingWhatFailed<T>(what: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (!(cause instanceof SqlError)) throw cause;
    throw new SafeMigrateError({
      code: 'SM_READ_FAILED',
      message: `${what} could not be read: ${cause.message}`,
      hint: unknownNames.has(cause.sqlState)
        ? 'A function in one of its indexes or policies names other objects without their schema, and a restore would not find them either: give the function SET search_path, or qualify the names.'
        : 'The role of database-url must be able to read every row of every table (row-level security included).',
      docs: 'postgresql.md',
      cause,
    });
  }
}
