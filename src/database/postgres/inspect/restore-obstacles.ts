import { z } from 'zod';
import type { Obstacle, ServerVersion } from '../../database.ts';
import { foreignExtensions } from '../archive/extension-owners.ts';
import { foreignCode } from '../archive/foreign-code.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { platformRoles } from '../session/privileged-role.ts';
import type { TargetRole } from '../session/target-role.ts';
import { disabledConstraints } from './disabled-constraints.ts';
import { foreignOwners } from './foreign-owners.ts';

const closesSwap = ['swap'] as const;

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
