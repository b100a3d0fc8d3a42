import { z } from 'zod';
import type { Obstacle, ServerVersion } from '../../database.ts';
import { identifier } from '../../sql-text.ts';
import { foreignExtensions } from '../archive/extension-owners.ts';
import { foreignCode } from '../archive/foreign-code.ts';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { rightToBecome, type TargetRole } from '../session/target-role.ts';
import { disabledConstraints } from './disabled-constraints.ts';

const closesSwap = ['swap'] as const;

/**
 * Roles of managed platforms whose members may do some of what PostgreSQL leaves to superusers. The catalogs do not say
 * which; the proof of the backup does.
 */
const platformRoles = ['rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser'];

/**
 * What the target holds and this role cannot make again in a restored copy. The proof would find each of them, after
 * the dump; here they are found before it.
 */
export async function restoreObstacles(
  session: SqlSession,
  role: TargetRole,
  version: ServerVersion,
): Promise<readonly Obstacle[]> {
  const code = await foreignCode(session);
  const always = [
    ...(await backgroundWorkers(session)),
    ...(await disabledConstraints(session)),
    ...(code === null ? [] : [{ ...code, ofCopy: true as const }]),
  ];
  if (role.isSuperuser) return always;
  const forSuperusers = [
    ...(await untrustedExtensions(session, role)),
    ...(await publicationsOfAll(session, role, version)),
    ...(await eventTriggers(session, role)),
  ];
  const mayBeAllowed = await isPlatformAdministrator(session);
  return [
    ...always,
    ...[
      ...(await foreignOwners(session, role, version)),
      ...(await foreignExtensions(session, role, version)),
      ...forSuperusers.map((each) => (mayBeAllowed ? { ...each, isDoubt: true as const } : each)),
    ].map((each) => ({ ...each, ofCopy: true as const })),
  ];
}

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
async function foreignOwners(
  session: SqlSession,
  role: TargetRole,
  version: ServerVersion,
): Promise<Obstacle[]> {
  const rows = await session.query(
    `select o.owner::regrole::text as "owner", i.type || ' ' || i.identity as "name"
       from (${ownedObjects}) o, lateral pg_identify_object(o.classid, o.objid, 0) i
      where (o.objid >= ${firstUserOid} or o.classid = 'pg_namespace'::regclass)
        and not pg_has_role(o.owner, '${rightToBecome(version)}')
        and not exists (select from pg_depend d where d.classid = o.classid and d.objid = o.objid and d.deptype in ('e', 'i'))
      order by 1, 2`,
    z.object({ owner: z.string(), name: z.string() }),
  );
  if (rows.length === 0) return [];
  const owners = [...new Set(rows.map(({ owner }) => owner))];
  const names = rows.map(({ name, owner }) => `${name} (${owner})`);
  return [
    {
      code: 'SM_FOREIGN_OWNER',
      message: `Role ${role.name} cannot give a restored copy the owner of ${namedSome(names, 'the object', 'objects')}, because it is no member of ${owners.slice(0, 10).join(', ')}.`,
      hint: `As a superuser: GRANT ${owners.slice(0, 10).join(', ')} TO ${identifier(role.name)}; or make ${identifier(role.name)} their owner (REASSIGN OWNED).`,
      closes: closesSwap,
    },
  ];
}

const nameRow = z.object({ name: z.string() });

async function untrustedExtensions(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  const rows = await session.query(
    `select e.extname::text as "name"
       from pg_extension e join pg_available_extension_versions v on v.name = e.extname and v.version = e.extversion
      where v.superuser and not v.trusted order by 1`,
    nameRow,
  );
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  return [
    {
      code: 'SM_UNTRUSTED_EXTENSION',
      message: `Only a superuser may create ${namedSome(names, 'the extension', 'extensions')} in a restored copy, and role ${role.name} is none.`,
      hint: 'Let a superuser mark it as trusted (in its control file), move what needs it to a database of its own, or use a superuser in the database URL.',
      closes: closesSwap,
    },
  ];
}

async function publicationsOfAll(
  session: SqlSession,
  role: TargetRole,
  version: ServerVersion,
): Promise<Obstacle[]> {
  const ofSchemas =
    version.major >= 15 ? 'or exists (select from pg_publication_namespace s where s.pnpubid = p.oid)' : '';
  const rows = await session.query(
    `select p.pubname::text as "name" from pg_publication p where p.puballtables ${ofSchemas} order by 1`,
    nameRow,
  );
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  return [
    {
      code: 'SM_PUBLICATION_OF_ALL',
      message: `Only a superuser may create ${namedSome(names, 'the publication', 'publications')} (FOR ALL TABLES or IN SCHEMA) in a restored copy, and role ${role.name} is none.`,
      hint: 'Name the tables in the publication (ALTER PUBLICATION … SET TABLE …), or use a superuser in the database URL.',
      closes: closesSwap,
    },
  ];
}

async function eventTriggers(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  const rows = await session.query(
    `select t.evtname::text as "name" from pg_event_trigger t
      where not exists (select from pg_depend d where d.classid = 'pg_event_trigger'::regclass and d.objid = t.oid and d.deptype = 'e')
      order by 1`,
    nameRow,
  );
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  return [
    {
      code: 'SM_EVENT_TRIGGER',
      message: `Only a superuser may create ${namedSome(names, 'the event trigger', 'event triggers')} in a restored copy, and role ${role.name} is none.`,
      hint: 'Drop it for the time of the migration, or use a superuser in the database URL.',
      closes: closesSwap,
    },
  ];
}

/** They hold the database open, know it by name, and do not restore by pg_restore alone. */
async function backgroundWorkers(session: SqlSession): Promise<Obstacle[]> {
  const rows = await session.query(
    `select e.extname::text as "name" from pg_extension e where e.extname in ('pg_cron', 'timescaledb') order by 1`,
    nameRow,
  );
  return rows.map(({ name }) => ({
    code: 'SM_BACKGROUND_WORKER',
    message: `Extension ${name} keeps workers of its own in ${session.database}; a restored copy would not have them, and they come back while databases are renamed.`,
    hint:
      name === 'pg_cron'
        ? 'Let pg_cron live in a database of its own (cron.database_name) and use cron.schedule_in_database for this one.'
        : 'Recovery by swap is closed for databases of TimescaleDB.',
    closes: closesSwap,
  }));
}

async function isPlatformAdministrator(session: SqlSession): Promise<boolean> {
  const rows = await session.query(
    `select r.rolname::text as "name" from pg_roles r
      where r.rolname in (${platformRoles.map((name) => `'${name}'`).join(', ')}) and pg_has_role(r.oid, 'MEMBER')`,
    nameRow,
  );
  return rows.length > 0;
}
