import { z } from 'zod';
import type { Obstacle, ServerVersion } from '../../database.ts';
import { identifier } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { isPrivileged } from '../session/privileged-role.ts';
import { rightToBecome, type TargetRole } from '../session/target-role.ts';

const closesSwap = ['swap'] as const;
/** Databases that tools expect on every server, whatever else lives in them. */
const maintenanceDatabases = ['postgres', 'template0', 'template1'];

/** What stands against putting a restored copy in the target's place by renaming both. */
export async function swapObstacles(
  session: SqlSession,
  role: TargetRole,
  version: ServerVersion,
): Promise<readonly Obstacle[]> {
  return [
    ...(role.mayCreateDatabases ? [] : [noCreateDatabase(role)]),
    ...(await ownership(session, role, version)),
    ...(await specialDatabase(session)),
    ...(await preparedTransactions(session)),
    ...(await logicalSlots(session)),
    ...(await subscriptions(session)),
    ...(await foreignSessions(session, role)),
  ];
}

function noCreateDatabase(role: TargetRole): Obstacle {
  return {
    code: 'SM_NO_CREATEDB',
    message: `Role ${role.name} may not create databases, so a backup cannot be restored beside the target.`,
    hint: `Let the server's administrator run: ALTER ROLE ${identifier(role.name)} CREATEDB; (members of a role with CREATEDB do not inherit it).`,
    closes: closesSwap,
  };
}

/** ALTER DATABASE … RENAME needs the owner's privileges, giving the copy the same owner needs SET ROLE to it. */
async function ownership(session: SqlSession, role: TargetRole, version: ServerVersion): Promise<Obstacle[]> {
  const [row] = await session.query(
    `select pg_get_userbyid(d.datdba) as "owner",
            pg_has_role(d.datdba, 'USAGE') and pg_has_role(d.datdba, '${rightToBecome(version)}') as "isOwner",
            ${isPrivileged('d.datdba')}
              or pg_has_role(d.datdba, (select oid from pg_roles where rolname = current_user), 'MEMBER') as "isPrivileged"
       from pg_database d where d.datname = current_database()`,
    z.object({ owner: z.string(), isOwner: z.boolean(), isPrivileged: z.boolean() }),
  );
  if (row === undefined || row.isOwner) return [];
  return [
    {
      code: 'SM_NOT_OWNER',
      message: `Role ${role.name} does not own database ${session.database} (${row.owner} does), so it cannot rename it.`,
      hint: row.isPrivileged
        ? `Let the server's administrator run: ALTER DATABASE ${identifier(session.database)} OWNER TO ${identifier(role.name)};`
        : `Use the owner in the database URL, or let the server's administrator run: GRANT ${identifier(row.owner)} TO ${identifier(role.name)};`,
      closes: closesSwap,
    },
  ];
}

async function specialDatabase(session: SqlSession): Promise<Obstacle[]> {
  const [row] = await session.query(
    'select d.datistemplate as "isTemplate" from pg_database d where d.datname = current_database()',
    z.object({ isTemplate: z.boolean() }),
  );
  if (maintenanceDatabases.includes(session.database)) {
    return [
      {
        code: 'SM_MAINTENANCE_DATABASE',
        message: `${session.database} is the server's own database: other tools connect to it by this name, so it is not renamed.`,
        hint: 'Move the application to a database of its own.',
        closes: closesSwap,
      },
    ];
  }
  if (row?.isTemplate !== true) return [];
  return [
    {
      code: 'SM_TEMPLATE_DATABASE',
      message: `${session.database} is marked as a template; new databases are copied from it, so it is not replaced.`,
      hint: `Unless that is wanted: ALTER DATABASE ${identifier(session.database)} IS_TEMPLATE false;`,
      closes: closesSwap,
    },
  ];
}

const nameRow = z.object({ name: z.string() });

async function preparedTransactions(session: SqlSession): Promise<Obstacle[]> {
  const names = await namesOf(
    session,
    `select quote_literal(p.gid) as "name" from pg_prepared_xacts p where p.database = current_database() order by 1`,
  );
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_PREPARED_TRANSACTIONS',
      message: `Database ${session.database} holds ${namedSome(names, 'the prepared transaction', 'prepared transactions')}, which blocks renaming it.`,
      hint: 'Finish it with COMMIT PREPARED or ROLLBACK PREPARED (pg_prepared_xacts shows who made it and when).',
      closes: closesSwap,
    },
  ];
}

/** A slot belongs to a database's OID: after a rename its consumer would be refused and WAL pile up. */
async function logicalSlots(session: SqlSession): Promise<Obstacle[]> {
  const names = await namesOf(
    session,
    `select s.slot_name::text as "name" from pg_replication_slots s where s.database = current_database() order by 1`,
  );
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_LOGICAL_SLOT',
      message: `Database ${session.database} has ${namedSome(names, 'the logical replication slot', 'logical replication slots')}, which would stay with the replaced database.`,
      hint: 'Recovery by swap would cut the consumer off. Drop the slot when nobody uses it (pg_drop_replication_slot).',
      closes: closesSwap,
    },
  ];
}

async function subscriptions(session: SqlSession): Promise<Obstacle[]> {
  const names = await namesOf(
    session,
    `select s.subname::text as "name" from pg_subscription s join pg_database d on d.oid = s.subdbid
      where d.datname = current_database() order by 1`,
  );
  if (names.length === 0) return [];
  return [
    {
      code: 'SM_SUBSCRIPTION',
      message: `Database ${session.database} has ${namedSome(names, 'the subscription', 'subscriptions')}, which a restored copy would have to share its slot with.`,
      hint: 'Recovery by swap is closed while the database subscribes to another one.',
      closes: closesSwap,
    },
  ];
}

/**
 * Sessions that would block the rename because this role may not end them: those of superusers, and of roles that it
 * is no member of unless it has pg_signal_backend. To others than their owner most columns of pg_stat_activity are
 * null, backend_type too; workers without a user (autovacuum) are left out, they give way by themselves.
 */
async function foreignSessions(session: SqlSession, role: TargetRole): Promise<Obstacle[]> {
  if (role.isSuperuser) return [];
  const rows = await session.query(
    `select r.rolname::text as "role", r.rolsuper as "isSuperuser", count(*) as "sessions"
       from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
      where a.datname = current_database() and a.pid <> pg_backend_pid()
        and coalesce(a.backend_type, 'client backend') in ('client backend', 'walsender')
        and (r.rolsuper or not (pg_has_role(r.oid, 'USAGE') or pg_has_role('pg_signal_backend', 'USAGE')))
      group by 1, 2 order by 1`,
    z.object({ role: z.string(), isSuperuser: z.boolean(), sessions: z.number() }),
  );
  if (rows.length === 0) return [];
  const count = rows.reduce((sum, row) => sum + row.sessions, 0);
  const owners = rows.map((row) => `${row.role}${row.isSuperuser ? ' (superuser)' : ''}: ${row.sessions}`);
  const isSuperuser = rows.map((row) => row.isSuperuser);
  // Not membership in the roles themselves: that would hand over what they own.
  const signal = isSuperuser.includes(false)
    ? `Let the server's administrator run: GRANT pg_signal_backend TO ${identifier(role.name)};`
    : '';
  const byHand = isSuperuser.includes(true)
    ? `Close the sessions of superusers (${rows.flatMap((row) => (row.isSuperuser ? [row.role] : [])).join(', ')}): nobody else may end them.`
    : '';
  return [
    {
      code: 'SM_FOREIGN_SESSIONS',
      message: `Role ${role.name} may not end ${count === 1 ? 'a session' : `${count} sessions`} in ${session.database} that would block a swap (${owners.slice(0, 10).join(', ')}).`,
      hint: `${signal} ${byHand}`.trim(),
      closes: closesSwap,
    },
  ];
}

async function namesOf(session: SqlSession, sql: string): Promise<string[]> {
  return (await session.query(sql, nameRow)).map((row) => row.name);
}
