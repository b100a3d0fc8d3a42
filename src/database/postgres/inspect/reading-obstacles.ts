import { z } from 'zod';
import type { Obstacle } from '../../database.ts';
import { identifier } from '../../sql-text.ts';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import type { TargetRole } from '../session/target-role.ts';
import { hiddenMappings } from './hidden-mappings.ts';

const nameRow = z.object({ name: z.string() });

/** What keeps the role from reading the whole target: without it there is no backup, so it closes everything. */
export async function readingObstacles(session: SqlSession, role: TargetRole): Promise<readonly Obstacle[]> {
  if (role.isSuperuser) return [];
  return [
    ...(await unreadableRelations(session, role)),
    ...(await unreadableLargeObjects(session, role)),
    ...(await rowSecurity(session, role)),
    ...(await hiddenMappings(session, role)),
  ];
}

/**
 * Tables and sequences that pg_dump would read: those of extensions only where the extension registers them as
 * configuration. pg_dump locks partitioned parents as well. USAGE on the schema is needed besides SELECT.
 */
async function unreadableRelations(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  const rows = await session.query(
    `select format('%I.%I', n.nspname, c.relname) as "name"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'S') and c.relpersistence <> 't' and ${isUserSchema('n')}
        and (not exists (select from pg_depend d
                          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
             or exists (select from pg_extension e where c.oid = any (e.extconfig)))
        and not (has_schema_privilege(n.oid, 'USAGE')
                 and case c.relkind when 'S' then has_sequence_privilege(c.oid, 'SELECT')
                                    else has_table_privilege(c.oid, 'SELECT') end)
      order by c.relkind = 'S', 1`,
    nameRow,
  );
  const names = rows.map((row) => row.name);
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_TABLE_UNREADABLE',
      message: `Role ${role.name} cannot read ${namedSome(names, 'table or sequence', 'tables and sequences')}.`,
      hint: `As their owner: GRANT USAGE ON SCHEMA … TO ${identifier(role.name)}; GRANT SELECT ON ALL TABLES IN SCHEMA … TO ${identifier(role.name)}; GRANT SELECT ON ALL SEQUENCES IN SCHEMA … TO ${identifier(role.name)}; or use the owner in the database URL.`,
      closes: 'all',
    },
  ];
}

/** There is no has_largeobject_privilege() before PostgreSQL 18; owner and grants say the same. */
async function unreadableLargeObjects(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  const rows = await session.query(
    `select l.oid::text as "name"
       from pg_largeobject_metadata l
      where current_setting('lo_compat_privileges') = 'off'
        and not pg_has_role(l.lomowner, 'USAGE')
        and not exists (select from aclexplode(l.lomacl) g
                         where g.privilege_type = 'SELECT'
                           and case when g.grantee = 0 then true else pg_has_role(g.grantee, 'USAGE') end)
      order by l.oid`,
    nameRow,
  );
  const names = rows.map((row) => row.name);
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_TABLE_UNREADABLE',
      message: `Role ${role.name} cannot read ${namedSome(names, 'large object', 'large objects')}.`,
      hint: `As their owner: GRANT SELECT ON LARGE OBJECT … TO ${identifier(role.name)}, or use the owner in the database URL.`,
      closes: 'all',
    },
  ];
}

/** Tables whose policies hide rows from the role: pg_dump stops at them, and so it should. */
async function rowSecurity(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  const rows = await session.query(
    `select format('%I.%I', n.nspname, c.relname) as "name"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relrowsecurity and ${isUserSchema('n')} and row_security_active(c.oid)
      order by 1`,
    nameRow,
  );
  const names = rows.map((row) => row.name);
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_FORCE_RLS',
      message: `Row-level security hides rows of ${namedSome(names, 'table', 'tables')} from role ${role.name}, so a dump would not be whole.`,
      hint: `Use the tables' owner in the database URL; where the policies bind the owner as well, let the owner run ALTER TABLE … NO FORCE ROW LEVEL SECURITY. For a role that does nothing but backups, the server's administrator may run: ALTER ROLE ${identifier(role.name)} BYPASSRLS;`,
      closes: 'all',
    },
  ];
}
