import { z } from 'zod';
import { literal } from '../../sql-text.ts';
import { isUserSchema } from '../fingerprint/table-content.ts';
import type { SqlSession } from '../server/server.ts';

/** A part of an index's key and the question that finds a row by it. */
export interface IndexKey {
  /** As PostgreSQL prints it under an empty search_path. */
  readonly expression: string;
  /** The collation of the index, quoted and qualified; null where the type has none. */
  readonly collation: string | null;
  /** `OPERATOR(schema.name)` by which every value finds itself; null where the access method has none. */
  readonly operator: string | null;
  /** The operator takes the words of a text search document, not the document. */
  readonly asksForWords: boolean;
  /** Values that are grouped together are those that the operator calls equal. */
  readonly groups: boolean;
  readonly findsNulls: boolean;
}

export interface UserCodeIndex {
  readonly oid: number;
  /** `schema.index`. */
  readonly name: string;
  /** As it stands in an index's plan. */
  readonly plainName: string;
  /** `"schema"."table"`. */
  readonly table: string;
  readonly owner: string;
  readonly isOurs: boolean;
  readonly rows: number;
  readonly method: string;
  /** Read through a bitmap only. */
  readonly needsBitmap: boolean;
  /** Can be read without a condition on its key. */
  readonly readsWhole: boolean;
  /** null: holds every row. */
  readonly predicate: string | null;
  readonly keys: readonly IndexKey[];
}

const indexRow: z.ZodType<UserCodeIndex> = z.object({
  oid: z.number(),
  name: z.string(),
  plainName: z.string(),
  table: z.string(),
  owner: z.string(),
  isOurs: z.boolean(),
  rows: z.number(),
  method: z.string(),
  needsBitmap: z.boolean(),
  readsWhole: z.boolean(),
  predicate: z.string().nullable(),
  keys: z.array(
    z.object({
      expression: z.string(),
      collation: z.string().nullable(),
      operator: z.string().nullable(),
      asksForWords: z.boolean(),
      groups: z.boolean(),
      findsNulls: z.boolean(),
    }),
  ),
});

/** Operators by which a value finds itself, by preference. */
const selfFinding = ['=', '~=', '@>', '&&'];

/** The oid from which on objects are not initdb's. */
const firstUserOid = 16_384;

/**
 * Valid indexes that reach code of users, smallest tables first: functions in expressions and predicates, and operators
 * and operator classes that came with no extension. Everything else computes what PostgreSQL or an extension computes,
 * from the row alone.
 */
export async function readUserCodeIndexes(session: SqlSession): Promise<readonly UserCodeIndex[]> {
  return session.query(
    `SELECT i.indexrelid::bigint AS "oid", n.nspname || '.' || c.relname AS "name", c.relname AS "plainName",
            pg_catalog.format('%I.%I', tn.nspname, t.relname) AS "table",
            pg_catalog.pg_get_userbyid(t.relowner) AS "owner",
            t.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) AS "isOurs",
            greatest(t.reltuples, 0) AS "rows", am.amname AS "method",
            NOT pg_catalog.pg_index_has_property(c.oid, 'index_scan') AS "needsBitmap",
            am.amname IN ('btree', 'gist', 'spgist') AS "readsWhole",
            pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS "predicate", keys."keys"
       FROM pg_catalog.pg_index i
       JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
       JOIN pg_catalog.pg_am am ON am.oid = c.relam
       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_catalog.pg_class t ON t.oid = i.indrelid AND t.relispopulated AND t.relpersistence <> 't'
       JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace,
            LATERAL (SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                'expression', pg_catalog.pg_get_indexdef(c.oid, k.place::integer, false),
                'collation', (SELECT pg_catalog.format('%I.%I', cn.nspname, co.collname)
                                FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                               WHERE co.oid = k.coll),
                'operator', asked.operator, 'asksForWords', coalesce(asked.words, false), 'groups', oc.opcdefault AND am.amname IN ('btree', 'hash'),
                'findsNulls', pg_catalog.pg_index_column_has_property(c.oid, k.place::integer, 'search_nulls')) ORDER BY k.place) AS "keys"
               FROM ROWS FROM (pg_catalog.unnest(i.indclass::oid[]), pg_catalog.unnest(i.indcollation::oid[]))
                      WITH ORDINALITY AS k(opclass, coll, place)
               JOIN pg_catalog.pg_opclass oc ON oc.oid = k.opclass
               LEFT JOIN LATERAL (
                 SELECT pg_catalog.format('OPERATOR(%I.%s)', opn.nspname, o.oprname) AS operator,
                        ao.amoprighttype = 'pg_catalog.tsquery'::regtype AS words
                   FROM pg_catalog.pg_amop ao JOIN pg_catalog.pg_operator o ON o.oid = ao.amopopr
                   JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace
                  WHERE ao.amopfamily = oc.opcfamily AND ao.amoppurpose = 's' AND ao.amoplefttype = oc.opcintype
                    AND CASE am.amname WHEN 'btree' THEN ao.amopstrategy = 3 AND ao.amoprighttype = oc.opcintype
                                       WHEN 'hash' THEN ao.amopstrategy = 1 AND ao.amoprighttype = oc.opcintype
                             ELSE ao.amoprighttype = oc.opcintype AND o.oprname IN (${selfFinding.map(literal).join(', ')})
                                  OR ao.amoprighttype = 'pg_catalog.tsquery'::regtype AND o.oprname = '@@' END
                  ORDER BY pg_catalog.array_position(ARRAY[${selfFinding.map(literal).join(', ')}], o.oprname::text) LIMIT 1) asked ON true) keys
      WHERE i.indisvalid AND i.indisready AND ${isUserSchema('tn')}
        AND EXISTS (
          SELECT FROM pg_catalog.pg_depend d
           WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.refobjid >= ${firstUserOid}
             AND (d.refclassid = 'pg_catalog.pg_proc'::regclass
                  OR d.refclassid IN ('pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_opclass'::regclass)
                     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e')))
      ORDER BY t.reltuples, 2`,
    indexRow,
  );
}
