import { literal } from './sql-text.ts';

/**
 * What `pg_has_role` calls the right to SET ROLE: told apart from mere membership since 16. Asked of the server, so that
 * the same statement serves all of them.
 */
const rightToBecome = `CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END`;

/** Where the target is: by its name, or by its OID while a transaction has given it another one. */
export type TargetPlace = string | { readonly oid: number };

/**
 * SQL: whoever owns this database (`owner`, an expression for an OID) could himself do to the target whatever the
 * database makes a run do. A name anybody can choose who may create databases, and its owner can write any comment on it;
 * who owns it, nobody can forge. Such owners are the target's own, whoever ran, a role that may become him (a member's
 * run of an earlier version made the coordination database its own), a superuser, and whoever may become this very role.
 *
 * Of a target that is not there the owner is not known: then it also is one whom this role may become, unless this
 * role is a superuser, who may become everybody.
 */
export function isTrustedOwner(owner: string, target: TargetPlace): string {
  const place =
    typeof target === 'string' ? `place.datname = ${literal(target)}` : `place.oid = ${target.oid}`;
  return `EXISTS (SELECT FROM pg_catalog.pg_roles me LEFT JOIN pg_catalog.pg_database place ON ${place}
            WHERE me.rolname = current_user
              AND (${mayBecome(owner, 'place.datdba')} OR ${mayBecome(owner, 'me.oid')}
                   OR place.oid IS NULL AND NOT me.rolsuper AND ${mayBecome('me.oid', owner)}))`;
}

/** SQL: `role` may do all that `other` may (both OIDs): he is it, a superuser, or a member who may take its place. */
export function mayBecome(role: string, other: string): string {
  return `pg_catalog.pg_has_role(${role}, ${other}, ${rightToBecome})`;
}
