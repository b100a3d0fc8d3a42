import { z } from 'zod';
import { identifier } from '../../sql-text.ts';
import type { ConnectionRoom } from '../../target-facts.ts';
import type { SqlSession } from '../server/server.ts';

const roomRow = z.object({
  database: z.string(),
  role: z.string(),
  isSuperuser: z.boolean(),
  databaseLimit: z.number(),
  roleLimit: z.number(),
  serverLimit: z.number(),
  inDatabase: z.number(),
  ofRole: z.number(),
  onServer: z.number(),
});

/**
 * How many connections are allowed to this role in the session's database and how many others there are. Limits of
 * database and role do not bind superusers. Workers and walsenders do not count; the columns that tell them from clients are
 * hidden from ordinary roles, so that a walsender may be counted.
 */
export async function readConnectionRoom(session: SqlSession): Promise<readonly ConnectionRoom[]> {
  const [row] = await session.query(
    `WITH others AS (
       SELECT a.datname, a.usename FROM pg_catalog.pg_stat_activity a
        WHERE a.usesysid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'
          -- What this run holds already is part of what it needs.
          AND NOT (a.usename = current_user AND a.application_name LIKE 'safe-migrate%'))
     SELECT d.datname::text AS "database", r.rolname::text AS "role", r.rolsuper AS "isSuperuser",
            d.datconnlimit AS "databaseLimit", r.rolconnlimit AS "roleLimit",
            (SELECT sum(CASE s.name WHEN 'max_connections' THEN s.setting::int ELSE - s.setting::int END)
               FROM pg_catalog.pg_settings s
              WHERE s.name = 'max_connections' OR NOT r.rolsuper AND (s.name = 'superuser_reserved_connections'
                 OR s.name = 'reserved_connections' AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles u
                      WHERE u.rolname = 'pg_use_reserved_connections' AND pg_catalog.pg_has_role(u.oid, 'USAGE'))))::int AS "serverLimit",
            (SELECT count(*) FROM others o WHERE o.datname = d.datname) AS "inDatabase",
            (SELECT count(*) FROM others o WHERE o.usename = r.rolname) AS "ofRole",
            (SELECT count(*) FROM others) AS "onServer"
       FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
      WHERE d.oid = (SELECT p.oid FROM pg_catalog.pg_database p WHERE p.datname = pg_catalog.current_database())
        AND r.rolname = current_user`,
    roomRow,
  );
  if (row === undefined) return [];
  const { database, role, isSuperuser } = row;
  const server: ConnectionRoom = {
    of: 'server',
    name: 'the server',
    limit: row.serverLimit,
    others: row.onServer,
    remedy: 'Raise max_connections, or run when fewer clients are connected.',
  };
  if (isSuperuser) return [server];
  return [
    ...limited({
      of: 'database',
      name: `database ${database}`,
      limit: row.databaseLimit,
      others: row.inDatabase,
      remedy: `ALTER DATABASE ${identifier(database)} CONNECTION LIMIT -1; as its owner or a superuser, or a higher number than now.`,
    }),
    ...limited({
      of: 'role',
      name: `role ${role}`,
      limit: row.roleLimit,
      others: row.ofRole,
      remedy: `ALTER ROLE ${identifier(role)} CONNECTION LIMIT -1; as a superuser, or a higher number than now.`,
    }),
    server,
  ];
}

/** -1: no limit. */
function limited(room: ConnectionRoom): readonly ConnectionRoom[] {
  return room.limit < 0 ? [] : [room];
}
