import { z } from 'zod';
import type { Obstacle } from '../../database.ts';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';
import { namedSome } from '../session/name-list.ts';
import { mayBecome } from '../session/trusted-owner.ts';

/**
 * What a restore computes when rows are loaded, by catalog and OID, and as whom: `runs_as` null is the role that
 * restores. Indexes, statistics and materialized views are computed as their table's owner, who cannot get out of that role
 * there. Triggers, defaults, rules and policies are not computed: they come after the rows, or not at all.
 */
const computed = `
  SELECT 'pg_constraint'::regclass AS classid, o.oid AS objid, NULL::oid AS runs_as FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
   WHERE o.contype = 'c' AND ${isUserSchema('n')}
  UNION ALL SELECT 'pg_attrdef'::regclass, o.oid, NULL FROM pg_attrdef o JOIN pg_attribute a ON a.attrelid = o.adrelid AND a.attnum = o.adnum
   WHERE a.attgenerated <> ''
  UNION ALL SELECT 'pg_type'::regclass, o.oid, NULL FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace WHERE ${isUserSchema('n')}
  UNION ALL SELECT 'pg_class'::regclass, o.oid, NULL FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
   WHERE o.relkind = 'p' AND ${isUserSchema('n')}
  UNION ALL SELECT 'pg_class'::regclass, o.oid, t.relowner FROM pg_index i JOIN pg_class o ON o.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = o.relnamespace WHERE ${isUserSchema('n')}
  UNION ALL SELECT 'pg_constraint'::regclass, o.oid, t.relowner FROM pg_constraint o JOIN pg_class t ON t.oid = o.conrelid
        JOIN pg_namespace n ON n.oid = o.connamespace WHERE o.contype = 'x' AND ${isUserSchema('n')}
  UNION ALL SELECT 'pg_statistic_ext'::regclass, o.oid, t.relowner FROM pg_statistic_ext o JOIN pg_class t ON t.oid = o.stxrelid
  UNION ALL SELECT 'pg_rewrite'::regclass, o.oid, t.relowner FROM pg_rewrite o JOIN pg_class t ON t.oid = o.ev_class
        JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.relkind = 'm' AND ${isUserSchema('n')}`;

/** Through what a call can lead from there: operators, aggregates, functions whose bodies the catalog knows, opclasses. */
const followed = ['pg_proc', 'pg_operator', 'pg_opclass', 'pg_opfamily', 'pg_type', 'pg_cast']
  .map((name) => `'${name}'::regclass`)
  .join(', ');

/**
 * SQL: a role that gains nothing by running code of `author`: it has no attribute, no membership, no object and no
 * privilege that he has not, apart from this database.
 */
const hasNoMore = (role: string, author: string): string => `(
  NOT EXISTS (SELECT FROM pg_roles own WHERE own.oid = ${role}
                AND (own.rolsuper OR own.rolcreaterole OR own.rolreplication OR own.rolbypassrls))
  AND NOT EXISTS (SELECT FROM pg_roles other WHERE other.oid <> ${role} AND pg_has_role(${role}, other.oid, 'MEMBER')
                                               AND NOT pg_has_role(${author}, other.oid, 'MEMBER'))
  AND NOT EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = ${role} AND s.deptype IN ('o', 'a')
                     AND NOT (s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.deptype = 'a'
                              AND s.objid = (SELECT oid FROM pg_database WHERE datname = current_database()))))`;

/**
 * Functions in this session's database that a restore by this session's role would run for somebody who may not do
 * what they could do then; asked of the target before anything, and of a copy before rows are loaded into it.
 */
export async function foreignCode(session: SqlSession): Promise<Obstacle | null> {
  const rows = await session.query(
    `WITH RECURSIVE computed AS (${computed}),
       me AS (SELECT oid FROM pg_roles WHERE rolname = current_user),
       reached AS (
         SELECT c.classid, c.objid, c.classid AS root_class, c.objid AS root, coalesce(c.runs_as, me.oid) AS runs_as FROM computed c, me
         UNION
         SELECT d.refclassid, d.refobjid, r.root_class, r.root, r.runs_as
           FROM reached r JOIN pg_depend d ON d.classid = r.classid AND d.objid = r.objid
          WHERE d.refclassid IN (${followed}) AND d.deptype IN ('n', 'a', 'i') AND d.refobjid >= 16384)
     SELECT f.type || ' ' || f.identity || ' of ' || a.rolname AS "name", a.rolname::text AS "author", w.rolname::text AS "runsAs",
            min(u.type || ' ' || u.identity) AS "user"
       FROM reached r JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
            JOIN pg_roles a ON a.oid = p.proowner JOIN pg_roles w ON w.oid = r.runs_as,
            LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) f, LATERAL pg_identify_object(r.root_class, r.root, 0) u
      WHERE NOT ${mayBecome('p.proowner', 'r.runs_as')} AND NOT ${hasNoMore('r.runs_as', 'p.proowner')}
      GROUP BY 1, 2, 3 ORDER BY 1, 3`,
    z.object({ name: z.string(), author: z.string(), runsAs: z.string(), user: z.string() }),
  );
  if (rows.length === 0) return null;
  const names = rows.map(({ name, user }) => `${name} (used by ${user})`);
  const authors = [...new Set(rows.map(({ author }) => author))];
  const runsAs = [...new Set(rows.map((row) => row.runsAs))];
  return {
    code: 'SM_FOREIGN_CODE',
    message: `Restoring this database would run ${namedSome(names, 'the', 'functions:')} as ${runsAs.slice(0, 10).join(', ')}, who may do more than ${authors.slice(0, 10).join(', ')}. Whoever owns a function can change it, and so could make himself whatever he likes.`,
    hint: `Use a database URL whose role is ${authors.length === 1 ? authors[0] : 'their owner'}; or, once you have read them, give the functions to the role that restores: ALTER FUNCTION … OWNER TO …;`,
    closes: ['swap'],
  };
}
