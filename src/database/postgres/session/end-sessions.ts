import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';

/**
 * Asks the server to end every session in a database of ours. Those that the role may not end are passed over:
 * what is done next (DROP, RENAME) then fails and says that somebody is there.
 */
export async function endSessionsIn(admin: SqlSession, database: string): Promise<void> {
  await endSessionsWhere(admin, `datname = ${literal(database)} AND pid <> pg_catalog.pg_backend_pid()`);
}

/** The same for the sessions of pg_stat_activity that `condition` picks, an expression of SQL. */
export async function endSessionsWhere(admin: SqlSession, condition: string): Promise<void> {
  await admin.execute(`DO $sm$
    DECLARE
      session record;
    BEGIN
      FOR session IN SELECT pid FROM pg_catalog.pg_stat_activity WHERE ${condition}
      LOOP
        BEGIN
          PERFORM pg_catalog.pg_terminate_backend(session.pid);
        EXCEPTION WHEN insufficient_privilege THEN
          NULL;
        END;
      END LOOP;
    END
    $sm$`);
}
