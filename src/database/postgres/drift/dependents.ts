import { z } from 'zod';
import { literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { SqlError } from '../session/sql-errors.ts';
import { withoutComments } from './prisma-pieces.ts';

const name = String.raw`(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)`;
const changed = new RegExp(
  `^(?:DROP|ALTER) (TABLE|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|SEQUENCE|INDEX|FUNCTION|PROCEDURE|AGGREGATE|TYPE|DOMAIN) (?:IF EXISTS )?(?:ONLY )?(${name}(?:\\.${name})*(?:\\([^;]*\\))?)`,
);

/** dependent_objects_still_exist, and what ALTER … TYPE says of a view that uses the column. */
const blocked = new Set(['2BP01', '0A000']);

/** Views on views on views; also ends what depends on itself. */
const maximumDepth = 30;

/**
 * The statements that drop what keeps `statement` from being run, as far as it holds no data: views, policies,
 * triggers, functions, constraints and indexes that use the object which the statement names, and what uses those.
 * What else uses the object (columns, defaults) is not touched. Those that use others come first. Empty for other
 * refusals.
 */
export async function dropsOfDependents(
  session: SqlSession,
  statement: string,
  refusal: SqlError,
): Promise<readonly string[]> {
  if (!blocked.has(refusal.sqlState)) return [];
  const [, kind, object] = changed.exec(withoutComments(statement)) ?? [];
  if (kind === undefined || object === undefined) return [];
  try {
    const rows = await session.query(
      question(rootOf(kind, object), columnsIn(statement)),
      z.object({ drop: z.string().nullable() }),
    );
    return rows.flatMap((row) => row.drop ?? []);
  } catch (error) {
    if (error instanceof SqlError) return [];
    throw error;
  }
}

/** The columns that an ALTER TABLE changes or drops; when it names some, only what uses them is in its way. */
function columnsIn(statement: string): readonly string[] {
  const actions = statement.matchAll(new RegExp(`\\b(?:ALTER|DROP) COLUMN (?:IF EXISTS )?(${name})`, 'g'));
  return [...actions].map(([, column = '']) =>
    column.startsWith('"') ? column.slice(1, -1).replaceAll('""', '"') : column.toLowerCase(),
  );
}

function rootOf(kind: string, object: string): string {
  const found = (catalog: string, type: string) =>
    `SELECT 'pg_catalog.${catalog}'::pg_catalog.regclass::oid, pg_catalog.to_${type}(${literal(object)})::oid`;
  if (/^(?:FUNCTION|PROCEDURE|AGGREGATE)$/.test(kind)) return found('pg_proc', 'regprocedure');
  return /^(?:TYPE|DOMAIN)$/.test(kind) ? found('pg_type', 'regtype') : found('pg_class', 'regclass');
}

/** A view is used by way of its rule, a table's or view's row also by way of its type. */
function question(root: string, columns: readonly string[]): string {
  const ofColumns =
    columns.length === 0
      ? 'true'
      : `(u.depth > 0 OR d.refobjsubid IN (SELECT a.attnum FROM pg_attribute a
           WHERE a.attrelid = u.id AND a.attname IN (${columns.map(literal).join(', ')})))`;
  return `WITH RECURSIVE root(class, id) AS (${root}),
    used(class, id, depth) AS (
      SELECT class, id, 0 FROM root
    UNION
      SELECT CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END,
             COALESCE(r.ev_class, d.objid), u.depth + 1
        FROM used u
        JOIN pg_depend d ON d.refclassid = u.class AND d.refobjid = u.id
        LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.rulename = '_RETURN'
       WHERE (d.deptype = 'n' OR (d.deptype = 'i' AND d.classid = 'pg_type'::regclass)) AND ${ofColumns}
         AND u.depth < ${maximumDepth}),
    once AS (SELECT class, id, max(depth) AS depth FROM used GROUP BY class, id HAVING min(depth) > 0)
    SELECT CASE u.class
        WHEN 'pg_class'::regclass THEN (SELECT format('DROP %s %s;', k.word, c.oid::regclass)
          FROM pg_class c JOIN (VALUES ('v', 'VIEW'), ('m', 'MATERIALIZED VIEW'), ('i', 'INDEX')) k(kind, word)
            ON k.kind = c.relkind WHERE c.oid = u.id)
        WHEN 'pg_proc'::regclass THEN (SELECT format('DROP %s %s;',
            CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, p.oid::regprocedure)
          FROM pg_proc p WHERE p.oid = u.id)
        WHEN 'pg_policy'::regclass THEN (SELECT format('DROP POLICY %I ON %s;', p.polname, p.polrelid::regclass)
          FROM pg_policy p WHERE p.oid = u.id)
        WHEN 'pg_trigger'::regclass THEN (SELECT format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass)
          FROM pg_trigger t WHERE t.oid = u.id AND NOT t.tgisinternal)
        WHEN 'pg_rewrite'::regclass THEN (SELECT format('DROP RULE %I ON %s;', r.rulename, r.ev_class::regclass)
          FROM pg_rewrite r WHERE r.oid = u.id)
        WHEN 'pg_constraint'::regclass THEN (SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', c.conrelid::regclass, c.conname)
          FROM pg_constraint c WHERE c.oid = u.id AND c.conrelid <> 0)
      END AS "drop"
      FROM once u ORDER BY u.depth DESC`;
}
