import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SafeMigrateError } from '../../system/errors.ts';
import { provenCopy } from './copy-mark.ts';
import { endSessionsIn } from './end-sessions.ts';
import type { SqlSession } from './server.ts';
import { SqlError } from './sql-errors.ts';
import { identifier, literal } from './sql-text.ts';

const attempts = 3;
const pauseMs = 500;

const copyRow = z.object({ comment: z.string().nullable(), isInvalid: z.boolean() });

/**
 * Drops one database that its mark and its name prove to be a copy that safe-migrate made for `target`; does
 * nothing when there is no such database. Ends the sessions in it first, and never uses FORCE. `admin` is a session
 * in another database. Rejects with SM_NOT_A_COPY (nothing was touched) or SM_DROP_FAILED.
 */
export async function dropCopy(admin: SqlSession, target: string, name: string): Promise<void> {
  const [database] = await admin.query(
    // -2 marks what an interrupted DROP DATABASE left behind.
    `SELECT pg_catalog.shobj_description(oid, 'pg_database') AS "comment", datconnlimit = -2 AS "isInvalid"
       FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
    copyRow,
  );
  if (database === undefined) return;
  if (provenCopy(target, name, database.comment) === null) {
    throw new SafeMigrateError({
      code: 'SM_NOT_A_COPY',
      message: `the database ${name} is not marked as a copy that safe-migrate made of ${target}; it was not dropped`,
      hint: 'If you are sure that nobody needs it, drop it by hand.',
      docs: 'recovery.md',
    });
  }
  await dropWithRetries(admin, name, database.isInvalid);
}

async function dropWithRetries(admin: SqlSession, name: string, isInvalid: boolean): Promise<void> {
  try {
    // Nobody can connect to an invalid one, and the server ends the session of whoever tries to alter it.
    if (!isInvalid) await admin.execute(`ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS false`);
    for (let attempt = 1; ; attempt += 1) {
      await endSessionsIn(admin, name);
      try {
        await admin.execute(`DROP DATABASE ${identifier(name)}`);
        return;
      } catch (error) {
        // The server itself has waited five seconds for the sessions to go.
        const isInUse = error instanceof SqlError && error.sqlState === '55006';
        if (!isInUse || attempt === attempts) throw error;
        await sleep(pauseMs);
      }
    }
  } catch (cause) {
    if (!(cause instanceof SqlError)) throw cause;
    throw new SafeMigrateError({
      code: 'SM_DROP_FAILED',
      message: `the database ${name} could not be dropped: ${cause.primaryMessage}`,
      hint: `Drop it by hand once nobody is connected to it: DROP DATABASE ${identifier(name)};`,
      docs: 'recovery.md',
      cause,
    });
  }
}
