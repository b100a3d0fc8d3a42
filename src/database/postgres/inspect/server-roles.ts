import { z } from 'zod';
import type { ServerRole } from '../../database.ts';
import type { SqlSession } from '../server/server.ts';

const roleRow: z.ZodType<ServerRole> = z.object({ name: z.string(), digest: z.string() });

/** All roles of the server, by name, with a digest of what every role may read of them: attributes, memberships, settings. */
export async function readServerRoles(session: SqlSession): Promise<readonly ServerRole[]> {
  return await session.query(
    `SELECT r.rolname::text AS "name",
            pg_catalog.md5(pg_catalog.concat_ws('|', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
              r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil,
              (SELECT pg_catalog.string_agg(s.setconfig::text, '|') FROM pg_catalog.pg_db_role_setting s
                WHERE s.setrole = r.oid AND s.setdatabase = 0),
              (SELECT pg_catalog.string_agg(m.roleid::text || m.admin_option::text, '|' ORDER BY m.roleid, m.grantor)
                 FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid))) AS "digest"
       FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1`,
    roleRow,
  );
}
