import { z } from 'zod';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';

/** What keeps a database from being renamed. */
interface SwapBlockers {
  readonly preparedTransactions: readonly string[];
  /** null when nothing is in the way any more. */
  readonly description: string | null;
}

/** Sessions and prepared transactions in a database, named for people. */
export async function findBlockers(session: SqlSession, databaseOid: number): Promise<SwapBlockers> {
  const prepared = await session.query(
    `SELECT pg_catalog.quote_literal(p.gid) AS "name" FROM pg_catalog.pg_prepared_xacts p
       JOIN pg_catalog.pg_database d ON d.datname = p.database WHERE d.oid = ${databaseOid} ORDER BY 1`,
    z.object({ name: z.string() }),
  );
  const sessions = await session.query(
    `SELECT a.pid AS "pid", coalesce(a.usename::text, 'a background worker') AS "user", r.rolsuper IS TRUE AS "isSuperuser",
            coalesce(a.application_name, '') AS "application"
       FROM pg_catalog.pg_stat_activity a LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
      WHERE a.datid = ${databaseOid} ORDER BY a.pid`,
    z.object({ pid: z.number(), user: z.string(), isSuperuser: z.boolean(), application: z.string() }),
  );
  const preparedTransactions = prepared.map(({ name }) => name);
  const people = sessions.map(({ pid, user, isSuperuser, application }) => {
    const role = isSuperuser ? `superuser ${user}` : user;
    return `${pid} of ${role}${application === '' ? '' : ` using ${application}`}`;
  });
  const reasons = [
    ...(people.length === 0 ? [] : [`still in use by ${namedSome(people, 'session', 'sessions')}`]),
    ...(preparedTransactions.length === 0
      ? []
      : [`it holds ${namedSome(preparedTransactions, 'the prepared transaction', 'prepared transactions')}`]),
  ];
  return { preparedTransactions, description: reasons.length === 0 ? null : reasons.join('; ') };
}
