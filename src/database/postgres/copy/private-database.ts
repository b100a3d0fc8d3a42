import { z } from 'zod';
import { identifier, literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { rightToBecomeSql } from '../session/trusted-owner.ts';

/**
 * Opens a database that was created closed (`ALLOW_CONNECTIONS false`) to this role alone. A new database is open to
 * everybody, and while a copy is filled, the privileges that keep people out of the target's schemas and functions are not
 * there yet. Neither may its owner come in, where he is somebody else: he has to grant himself the right first.
 */
export async function openPrivately(admin: SqlSession, name: string, owner: string): Promise<void> {
  const [role] = await admin.query('SELECT current_user::text AS "name"', z.object({ name: z.string() }));
  const me = role?.name ?? '';
  const database = identifier(name);
  await admin.execute(`
    GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${database} TO ${identifier(me)};
    REVOKE CONNECT, TEMPORARY ON DATABASE ${database} FROM PUBLIC;
    ${me === owner ? '' : `REVOKE CONNECT ON DATABASE ${database} FROM ${identifier(owner)};`}
    ALTER DATABASE ${database} ALLOW_CONNECTIONS true`);
}

/** Opens one that was created closed to its owner alone (and to his members, and superusers). */
export async function openToOwner(admin: SqlSession, name: string): Promise<void> {
  await admin.execute(`
    REVOKE ALL ON DATABASE ${identifier(name)} FROM PUBLIC;
    ALTER DATABASE ${identifier(name)} ALLOW_CONNECTIONS true`);
}

/** Who may make a database beside `target` as its runs do: with the same owner, so that others believe it. */
export interface Maker {
  /** The target's owner; this very role where there is no target. */
  readonly owner: string;
  readonly mayCreate: boolean;
  /** Has the owner's privileges, and may give him a database. */
  readonly actsForOwner: boolean;
}

export async function readMaker(session: SqlSession, target: string): Promise<Maker> {
  const [maker] = await session.query(
    `SELECT o.rolname::text AS "owner", me.rolcreatedb OR me.rolsuper AS "mayCreate",
            pg_catalog.pg_has_role(o.oid, 'USAGE') AND pg_catalog.pg_has_role(o.oid,
              ${rightToBecomeSql})
              AS "actsForOwner"
       FROM pg_catalog.pg_roles me LEFT JOIN pg_catalog.pg_database t ON t.datname = ${literal(target)},
            pg_catalog.pg_roles o
      WHERE me.rolname = current_user AND o.oid = coalesce(t.datdba, me.oid)`,
    z.object({ owner: z.string(), mayCreate: z.boolean(), actsForOwner: z.boolean() }),
  );
  if (maker === undefined) throw new TypeError('this session has no role');
  return maker;
}
