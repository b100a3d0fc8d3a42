import { z } from 'zod';
import type { Fingerprint, Obstacle, ServerVersion } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { readExtensions } from '../fingerprint/extensions.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { isPrivileged } from '../session/privileged-role.ts';
import { rightToBecome, type TargetRole } from '../session/target-role.ts';

type Extension = Fingerprint['extensions'][number];

const ownerRow = z.object({
  name: z.string(),
  isSelf: z.boolean(),
  mayBecome: z.boolean(),
  mayCreate: z.boolean(),
});

/**
 * The role that owns an extension, when it is another one that the session's role may act as; null otherwise. Nobody can
 * give an extension away: it belongs to whoever creates it. `mayCreate`: in the session's database.
 */
export async function ownerToBecome(
  session: SqlSession,
  version: ServerVersion,
  extension: Extension,
): Promise<{ readonly name: string; readonly mayCreate: boolean } | null> {
  if (extension.owner === undefined) return null;
  const [owner] = await session.query(
    `SELECT rolname AS "name", rolname = current_user AS "isSelf",
            pg_catalog.pg_has_role(oid, '${rightToBecome(version)}') AS "mayBecome",
            pg_catalog.has_database_privilege(oid, pg_catalog.current_database(), 'CREATE') AS "mayCreate"
       FROM pg_catalog.pg_roles WHERE ${isRole(extension.owner)}`,
    ownerRow,
  );
  return owner === undefined || owner.isSelf || !owner.mayBecome ? null : owner;
}

/** SQL behind a point: null is the superuser of initdb, as readExtensions says it. */
const isRole = (name: string | null): string => (name === null ? 'oid = 10' : `rolname = ${literal(name)}`);

const standingRow = z.object({ belongsTo: z.string(), owner: z.string().nullable(), loses: z.boolean() });

/**
 * Extensions of a copy that belong to others than they should: a difference where the owner would lose what he may do
 * with it, otherwise told. A superuser, and a member of the new owner, lose nothing.
 */
export async function compareExtensionOwners(
  session: SqlSession,
  expected: Fingerprint['extensions'],
): Promise<{ readonly differences: readonly string[]; readonly told: readonly string[] }> {
  const found = new Map((await readExtensions(session)).map((each) => [each.name, each.owner ?? null]));
  const differences: string[] = [];
  const told: string[] = [];
  for (const { name, owner } of expected) {
    const actual = found.get(name);
    if (owner === undefined || actual === undefined || owner === actual) continue;
    const [standing] = await session.query(
      `SELECT b.rolname AS "belongsTo", o.rolname AS "owner",
              coalesce(NOT o.rolsuper AND NOT pg_catalog.pg_has_role(o.oid, b.oid, 'MEMBER'), false) AS "loses"
         FROM pg_catalog.pg_roles b LEFT JOIN pg_catalog.pg_roles o ON o.${isRole(owner)} WHERE b.${isRole(actual)}`,
      standingRow,
    );
    const belongs = `extension ${name} belongs to ${standing?.belongsTo} in the copy instead of ${standing?.owner ?? owner}`;
    if (standing?.loses === true) differences.push(`${belongs}, who could not alter it any more`);
    else told.push(`${belongs}: it belongs to whoever creates it, and nobody loses a right by this`);
  }
  return { differences, told };
}

/** Extensions of roles that would lose them, because this role can neither act for them nor is theirs. */
export async function foreignExtensions(
  session: SqlSession,
  role: TargetRole,
  version: ServerVersion,
): Promise<Obstacle[]> {
  const rows = await session.query(
    `select e.extname::text as "name", o.rolname::text as "owner", ${isPrivileged('o.oid')} as "isPrivileged"
       from pg_extension e join pg_roles o on o.oid = e.extowner
      where not o.rolsuper and not pg_has_role(o.oid, '${rightToBecome(version)}')
        and not pg_has_role(o.oid, (select oid from pg_roles where rolname = current_user), 'MEMBER')
      order by 1`,
    z.object({ name: z.string(), owner: z.string(), isPrivileged: z.boolean() }),
  );
  if (rows.length === 0) return [];
  const grants = rows.map(({ owner, isPrivileged }) =>
    // An administrator loses nothing by being a member of the role, which must not become an administrator.
    isPrivileged
      ? `GRANT ${identifier(role.name)} TO ${identifier(owner)};`
      : `GRANT ${identifier(owner)} TO ${identifier(role.name)};`,
  );
  const names = rows.map(({ name, owner }) => `${name} (${owner})`);
  return [
    {
      code: 'SM_EXTENSION_OWNER',
      message: `Role ${role.name} cannot give a restored copy the owner of ${namedSome(names, 'the extension', 'extensions')}: it would belong to ${role.name}, and its owner could not alter it any more.`,
      hint: `Let the server's administrator run: ${[...new Set(grants)].slice(0, 10).join(' ')} Either of the two roles being a member of the other will do.`,
      closes: ['swap'],
    },
  ];
}
