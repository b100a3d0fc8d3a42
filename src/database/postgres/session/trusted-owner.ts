import { literal } from '../../sql-text.ts';

/**
 * What `pg_has_role` calls the right to SET ROLE: told apart from mere membership since 16. Asked of the server, so that
 * the same statement serves all of them.
 */
export const rightToBecomeSql = `CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END`;

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
  const isPlace = typeof target === 'string' ? `p.datname = ${literal(target)}` : `p.oid = ${target.oid}`;
  // Names that no catalog has: `owner` may be a column without its table.
  return `(SELECT ${mayBecome(owner, 'sm_me')} OR coalesce(${mayBecome(owner, 'sm_owner')},
                    NOT sm_is_superuser AND ${mayBecome('sm_me', owner)})
             FROM (SELECT r.oid AS sm_me, r.rolsuper AS sm_is_superuser FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS sm_role
             LEFT JOIN (SELECT p.datdba AS sm_owner FROM pg_catalog.pg_database p WHERE ${isPlace}) AS sm_place ON true)`;
}

/** SQL: `role` may do all that `other` may (both OIDs): he is it, a superuser, or a member who may take its place. */
export function mayBecome(role: string, other: string): string {
  return `pg_catalog.pg_has_role(${role}, ${other}, ${rightToBecomeSql})`;
}
