import type { NamePlan } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { journalStatement, serverTime } from '../lock/journal-comment.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { isConnectionLost } from '../session/sql-errors.ts';
import { readNames } from './database-names.ts';
import { reasonOf, swapFailed } from './swap.ts';
import { isFallbackOurs } from './swap-owners.ts';

/**
 * The swap where there is no target: the fallback database takes its name and is opened, in one transaction of the
 * session that holds the run's lock. Where it has that name already, because the answer to an earlier COMMIT was lost, it
 * is done. Rejects with SM_SWAP_FAILED, then there still is no target, or with SM_CONNECTION_LOST, then nobody knows.
 */
export async function takeName(server: PostgresServer, renamer: SqlSession, plan: NamePlan): Promise<void> {
  const { fallback, properties, journal } = plan;
  const name = server.address.database;
  const target = identifier(name);
  const written =
    journal === null ? '' : `${journalStatement(name, { ...journal, at: await serverTime(renamer) })};`;
  if ((await readNames(renamer)).get(name)?.oid === fallback.oid) return;
  try {
    await renamer.execute('BEGIN');
    await renamer.execute(`
      DO $sm$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_database
                        WHERE oid = ${fallback.oid} AND datname = ${literal(fallback.name)} AND NOT datallowconn) THEN
          RAISE EXCEPTION 'the fallback database was replaced or opened to connections' USING ERRCODE = 'SM001';
        END IF;
        IF NOT ${isFallbackOurs(plan, name)} THEN
          RAISE EXCEPTION 'the fallback database belongs to a role that no run would have given it to' USING ERRCODE = 'SM001';
        END IF;
      END $sm$;
      ALTER DATABASE ${identifier(fallback.name)} RENAME TO ${target};
      ${written}
      COMMENT ON DATABASE ${target} IS ${properties.comment === null ? 'NULL' : literal(properties.comment)};
      ALTER DATABASE ${target} ALLOW_CONNECTIONS true`);
    await renamer.execute('COMMIT');
  } catch (error) {
    // When the connection is gone, so is the transaction.
    await renamer.execute('ROLLBACK').catch(() => {});
    if (isConnectionLost(error)) throw error;
    throw swapFailed(name, reasonOf(error), error);
  }
}
