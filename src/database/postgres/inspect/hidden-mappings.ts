import { z } from 'zod';
import type { Obstacle } from '../../database.ts';
import { identifier } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import type { TargetRole } from '../session/target-role.ts';

/**
 * User mappings whose options PostgreSQL hides from the role: pg_dump would write them without, and passwords would be
 * gone. The rule is that of the view pg_user_mappings. A mapping that has no options looks the same as one whose options
 * are hidden; both are refused, because nobody could say afterwards which of them it was.
 */
export async function hiddenMappings(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  const rows = await session.query(
    `select format('for %s on server %I', case when m.umuser = 0 then 'PUBLIC' else quote_ident(m.usename) end, m.srvname) as "name"
       from pg_user_mappings m join pg_foreign_server s on s.oid = m.srvid
      where not case when m.umuser = 0 then pg_has_role(s.srvowner, 'USAGE')
                     else m.usename = current_user and (pg_has_role(s.srvowner, 'USAGE') or has_server_privilege(s.oid, 'USAGE')) end
      order by 1`,
    z.object({ name: z.string() }),
  );
  const names = rows.map(({ name }) => name);
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_USER_MAPPING_HIDDEN',
      message: `PostgreSQL hides from role ${role.name} the options of ${namedSome(names, 'the user mapping', 'user mappings')}: a backup would be without them, passwords included.`,
      hint: `Only its own user (with USAGE on the server), for PUBLIC the server's owner, and superusers see them. Use a superuser in the database URL, or replace the mappings by one for ${identifier(role.name)}; one that is not needed: DROP USER MAPPING ….`,
      closes: 'all',
    },
  ];
}
