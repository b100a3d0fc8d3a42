import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import { identifier, literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { endSessionsIn } from '../session/end-sessions.ts';
import { SqlError } from '../session/sql-errors.ts';
import { isTrustedOwner } from '../session/trusted-owner.ts';
import { markLimitBytes, provenCopy } from './copy-mark.ts';

const attempts = 3;
const pauseMs = 500;

const copyRow = z.object({
  comment: z.string().nullable(),
  owner: z.string(),
  isTrusted: z.boolean(),
  isInvalid: z.boolean(),
});

/**
 * Drops one database that its mark, its name and its owner prove to be a copy that safe-migrate made for `target`; does
 * nothing when there is no such database. Ends the sessions in it first, and never uses FORCE. `admin` is a session
 * in another database. `madeFor`: the owner whom this very run has given it, where he is not the target's (a backup may be
 * older than he). Rejects with SM_NOT_A_COPY (nothing was touched) or SM_DROP_FAILED.
 */
export async function dropCopy(
  admin: SqlSession,
  target: string,
  name: string,
  madeFor: string | null = null,
): Promise<void> {
  const [database] = await admin.query(
    // -2 marks what an interrupted DROP DATABASE left behind.
    `SELECT pg_catalog.left(pg_catalog.shobj_description(d.oid, 'pg_database'), ${markLimitBytes}) AS "comment",
            d.datconnlimit = -2 AS "isInvalid", pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner",
            ${isTrustedOwner('d.datdba', target)}
              -- Without a target nobody knows whose they are; what bears its name and mark is nobody else's.
              OR NOT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(target)}) AS "isTrusted"
       FROM pg_catalog.pg_database d WHERE d.datname = ${literal(name)}`,
    copyRow,
  );
  if (database === undefined) return;
  const isMarked = provenCopy(target, name, database.comment) !== null;
  if (isMarked && !database.isTrusted && database.owner !== madeFor) {
    throw new SafeMigrateError({
      code: 'SM_NOT_A_COPY',
      message: `the database ${name} is marked as a copy that safe-migrate made of ${target}, but belongs to ${database.owner}, to whom no run would have given it; it was not dropped`,
      hint: `If nobody needs it, as a superuser or as ${database.owner}: DROP DATABASE ${identifier(name)};`,
      docs: 'security.md',
    });
  }
  if (!isMarked) {
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
