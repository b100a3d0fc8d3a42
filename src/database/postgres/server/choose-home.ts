import { SafeMigrateError } from '../../../system/errors.ts';
import type { Unreachable } from '../../database.ts';
import type { ConnectionTarget } from './url.ts';

/** Where statements about databases are run, and why not in the target. */
interface Home<T> {
  readonly database: string;
  /** null when the target itself can be connected to. */
  readonly unreachable: Unreachable | null;
  /** What `connect` gave. */
  readonly value: T;
}

/** What a server says about one database, or about one role in it; with any other error no database would do. */
const ofOneDatabase = new Set(['SM_NO_DATABASE', 'SM_CONNECTION', 'SM_AUTH']);

/**
 * The target; or, for a rollback of one that is gone, closed or broken, another database that the role may connect
 * to: `postgres`, or the one named after the role. Not `template1`, where a session keeps others from creating
 * databases, and not the coordination database, which is to be dropped from here. Rejects with what is wrong with the target.
 */
export async function chooseHome<T>(
  target: ConnectionTarget,
  evenWithoutTarget: boolean,
  connect: (database: string) => Promise<T>,
): Promise<Home<T>> {
  const { database, user } = target.address;
  try {
    return { database, unreachable: null, value: await connect(database) };
  } catch (error) {
    if (!evenWithoutTarget || !(error instanceof SafeMigrateError) || !ofOneDatabase.has(error.code))
      throw error;
    const others = ['postgres', user].filter((name) => name !== database);
    for (const other of others) {
      const value = await connect(other).catch((reason: unknown) => {
        if (reason instanceof SafeMigrateError) return null;
        throw reason;
      });
      if (value === null) continue;
      const isMissing = error.code === 'SM_NO_DATABASE';
      return { database: other, unreachable: { isMissing, because: error.message }, value };
    }
    throw error;
  }
}
