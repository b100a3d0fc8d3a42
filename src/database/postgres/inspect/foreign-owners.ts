import { z } from 'zod';
import type { Obstacle, ServerVersion } from '../../database.ts';
import { identifier } from '../../sql-text.ts';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { isPrivileged } from '../session/privileged-role.ts';
import { rightToBecome, type TargetRole } from '../session/target-role.ts';

/** Kinds of objects that a dump gives back to their owners; `public` as initdb made it is not among them. */
const ownedObjects = `
  select 'pg_namespace'::regclass as classid, n.oid as objid, n.nspowner as owner from pg_namespace n
   where ${isUserSchema('n')} and not (n.nspname = 'public' and n.nspowner in (10, (select oid from pg_roles where rolname = 'pg_database_owner')))
  union all select 'pg_class'::regclass, c.oid, c.relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence <> 't' and ${isUserSchema('n')}
  union all select 'pg_proc'::regclass, p.oid, p.proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${isUserSchema('n')}
  union all select 'pg_type'::regclass, t.oid, t.typowner from pg_type t join pg_namespace n on n.oid = t.typnamespace
   where ${isUserSchema('n')} and (t.typtype in ('d', 'e', 'r') or t.typtype = 'c' and exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
  union all select 'pg_operator'::regclass, oid, oprowner from pg_operator
  union all select 'pg_collation'::regclass, oid, collowner from pg_collation
  union all select 'pg_conversion'::regclass, oid, conowner from pg_conversion
  union all select 'pg_opclass'::regclass, oid, opcowner from pg_opclass
  union all select 'pg_opfamily'::regclass, oid, opfowner from pg_opfamily
  union all select 'pg_ts_dict'::regclass, oid, dictowner from pg_ts_dict
  union all select 'pg_ts_config'::regclass, oid, cfgowner from pg_ts_config
  union all select 'pg_statistic_ext'::regclass, oid, stxowner from pg_statistic_ext
  union all select 'pg_language'::regclass, oid, lanowner from pg_language
  union all select 'pg_foreign_data_wrapper'::regclass, oid, fdwowner from pg_foreign_data_wrapper
  union all select 'pg_foreign_server'::regclass, oid, srvowner from pg_foreign_server
  union all select 'pg_publication'::regclass, oid, pubowner from pg_publication where not puballtables
  union all select 'pg_default_acl'::regclass, oid, defaclrole from pg_default_acl
  union all select 'pg_largeobject'::regclass, oid, lomowner from pg_largeobject_metadata`;

/** The oid from which on objects are not initdb's. */
const firstUserOid = 16_384;

/** What belongs to an extension, or came with a type (a range's functions are the superuser's), is not dumped by itself. */
export async function foreignOwners(
  session: SqlSession,
  role: TargetRole,
  version: ServerVersion,
): Promise<Obstacle[]> {
  const rows = await session.query(
    `select o.owner::regrole::text as "owner", i.type as "type", i.identity as "identity", (${isPrivileged('o.owner')} or pg_has_role(o.owner, (select oid from pg_roles where rolname = current_user), 'MEMBER')) as "isPrivileged",
            o.classid = 'pg_class'::regclass and exists (select from pg_depend d where d.classid = o.classid and d.objid = o.objid
              and d.refclassid = o.classid and d.deptype = 'a')
              and i.type = 'sequence' as "isPartOfTable"
       from (${ownedObjects}) o, lateral pg_identify_object(o.classid, o.objid, 0) i
      where (o.objid >= ${firstUserOid} or o.classid = 'pg_namespace'::regclass)
        and not pg_has_role(o.owner, '${rightToBecome(version)}')
        and not exists (select from pg_depend d where d.classid = o.classid and d.objid = o.objid and d.deptype in ('e', 'i'))
      order by 1, i.type || ' ' || i.identity`,
    foreignRow,
  );
  if (rows.length === 0) return [];
  const owners = [...new Set(rows.map(({ owner }) => owner))];
  const names = rows.map(({ type, identity, owner }) => `${type} ${identity} (${owner})`);
  const ordinary = new Set(rows.filter((row) => !row.isPrivileged).map(({ owner }) => owner));
  const statements = [
    ...[...ordinary].map((owner) => `GRANT ${owner} TO ${identifier(role.name)};`),
    // To become a member of an administrator would be far more than the deploy needs.
    ...rows.filter((row) => row.isPrivileged && !row.isPartOfTable).map((row) => giveAway(row, role)),
  ];
  const more = statements.length > 10 ? ` … and ${statements.length - 10} more of this kind.` : '';
  return [
    {
      code: 'SM_FOREIGN_OWNER',
      message: `Role ${role.name} cannot give a restored copy the owner of ${namedSome(names, 'the object', 'objects')}, because it is no member of ${owners.slice(0, 10).join(', ')}.`,
      hint: `Let the server's administrator run: ${statements.slice(0, 10).join(' ')}${more} What runs with its owner's rights (a SECURITY DEFINER function, a view) then has ${role.name}'s.`,
      closes: ['swap'],
    },
  ];
}

const foreignRow = z.object({
  owner: z.string(),
  type: z.string(),
  identity: z.string(),
  /** Or a member of our role, which can then be no member of it. */
  isPrivileged: z.boolean(),
  /** A serial column's sequence goes with its table. */
  isPartOfTable: z.boolean(),
});

/** What an administrator runs, so that the object is the role's. */
function giveAway({ type, identity, owner }: z.infer<typeof foreignRow>, role: TargetRole): string {
  switch (type) {
    case 'default acl':
      return `ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} … REVOKE …; (the default privileges ${identity}, if nobody needs them)`;
    case 'foreign-data wrapper':
      return `DROP FOREIGN DATA WRAPPER ${identity}; if nobody needs it (only superusers, as ${owner}, may own one).`;
    default:
      return `ALTER ${type === 'statistics object' ? 'STATISTICS' : type.toUpperCase()} ${identity} OWNER TO ${identifier(role.name)};`;
  }
}
