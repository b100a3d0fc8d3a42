import { literal } from '../../sql-text.ts';

/**
 * Roles of managed platforms whose members may do some of what PostgreSQL leaves to superusers. The catalogs do not say
 * which; the proof of the backup does.
 */
export const platformRoles = ['rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'neon_superuser'];

/** PostgreSQL's own roles that show what the server does, or end what it does, and reach no data. */
const harmless = [
  'pg_database_owner',
  'pg_monitor',
  'pg_read_all_settings',
  'pg_read_all_stats',
  'pg_stat_scan_tables',
  'pg_signal_backend',
  'pg_checkpoint',
  'pg_use_reserved_connections',
];

/**
 * SQL: whether a member of `role` (an oid) could make himself mightier than the owner of one application's objects: a superuser,
 * an administrator, or whoever may become one. No hint may advise to be made a member of such a role.
 */
export function isPrivileged(role: string): string {
  return `exists (select from pg_catalog.pg_roles p
                   where (p.rolsuper or p.rolcreaterole or p.rolreplication or p.rolbypassrls
                          or p.rolname in (${platformRoles.map(literal).join(', ')})
                          or p.rolname ~ '^pg_' and p.rolname not in (${harmless.map(literal).join(', ')}))
                     and pg_catalog.pg_has_role(${role}, p.oid, 'MEMBER'))`;
}
