import { inSchema, ofRelation, standing } from './catalog-entries.ts';
import {
  type CatalogEntry,
  columns,
  expression,
  left,
  named,
  ownNumber,
  relation,
  role,
  roles,
  routine,
  value,
} from './column-rules.ts';

const operators = left('PostgreSQL derives the operators from types and index');
/**
 * Name and place of a constraint, `c` being its row; of a table or of a domain. What partitions inherit is named anew by
 * PostgreSQL at each restore, so it is known by its columns.
 */
const constraintName = (c: string): string => `CASE WHEN ${c}.conparentid <> 0 AND ${c}.contype = 'f'
  THEN pg_catalog.format('inherited by %s (%s) from %s', ${c}.conrelid::regclass, ${columnNames(c)}, ${c}.confrelid::regclass)
  ELSE pg_catalog.quote_ident(${c}.conname) || ' of '
    || CASE WHEN ${c}.conrelid <> 0 THEN ${c}.conrelid::regclass::text ELSE pg_catalog.format_type(${c}.contypid, NULL) END END`;
const columnNames = (c: string): string =>
  `(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place) FROM pg_catalog.unnest(${c}.conkey) WITH ORDINALITY AS k(number, place)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = ${c}.conrelid AND a.attnum = k.number)`;

/** Triggers of constraints have an OID in their name. */
const triggerName = `CASE WHEN r.tgisinternal AND r.tgconstraint <> 0
  THEN (SELECT pg_catalog.format('of constraint %s: %s, %s', ${constraintName('c')}, r.tgfoid::regproc, r.tgtype)
          FROM pg_catalog.pg_constraint c WHERE c.oid = r.tgconstraint)
  ELSE pg_catalog.quote_ident(r.tgname) END`;

/** What guards rows or reacts to them: constraints, triggers, rules, policies. */
export const rulesOnRelations: Readonly<Record<string, CatalogEntry>> = {
  pg_constraint: inSchema('pg_constraint', 'connamespace', {
    kind: `'constraint'`,
    name: constraintName('r'),
    joins: 'LEFT JOIN relations rel ON rel.oid = r.conrelid',
    rows: `r.oid >= 16384 AND r.connamespace NOT IN (SELECT oid FROM temp_schemas) AND r.contype <> 't' AND (r.conrelid = 0 OR rel.oid IS NOT NULL)`,
    extension: `coalesce(rel.extension, (SELECT m.extension FROM members m WHERE m.class = 'pg_catalog.pg_type'::regclass AND m.object = r.contypid))`,
    columns: {
      oid: ownNumber,
      conname: named,
      connamespace: left('a constraint lives where its table or domain lives'),
      contype: value,
      condeferrable: value,
      condeferred: value,
      conenforced: value,
      convalidated: {
        rule: 'compared',
        // Of what partitions inherit only the parent's is anybody's to see.
        sql: () => `CASE WHEN r.contype <> 'f' OR r.conparentid = 0 THEN r.convalidated END`,
      },
      conrelid: named,
      contypid: named,
      conindid: {
        rule: 'compared',
        // Which of several equal unique indexes a foreign key has chosen means nothing.
        sql: () => `CASE WHEN r.contype <> 'f' AND r.conindid <> 0 THEN r.conindid::regclass END`,
      },
      conparentid: left('follows from partitions and their constraints'),
      confrelid: relation,
      confupdtype: value,
      confdeltype: value,
      confmatchtype: value,
      conislocal: value,
      coninhcount: value,
      connoinherit: {
        rule: 'compared',
        // Means nothing elsewhere, and depends on how a partition came to its table.
        sql: () => `CASE WHEN r.contype IN ('c', 'n') THEN r.connoinherit END`,
      },
      conperiod: value,
      conkey: columns('conrelid'),
      confkey: columns('confrelid'),
      conpfeqop: operators,
      conppeqop: operators,
      conffeqop: operators,
      confdelsetcols: columns('conrelid'),
      conexclop: operators,
      conbin: expression('pg_catalog.pg_get_expr(r.conbin, r.conrelid)'),
    },
    more: {
      inheritedAs: `CASE WHEN r.conparentid <> 0 AND r.contype = 'f' THEN pg_catalog.quote_ident(r.conname) END`,
    },
  }),
  pg_trigger: ofRelation('tgrelid', {
    kind: `'trigger'`,
    name: `(${triggerName}) || ' on ' || rel.name`,
    columns: {
      oid: ownNumber,
      tgrelid: named,
      tgparentid: left('follows from partitions and their triggers'),
      tgname: named,
      tgfoid: routine,
      tgtype: value,
      tgenabled: value,
      tgisinternal: value,
      tgconstrrelid: relation,
      tgconstrindid: left('the index of the constraint'),
      tgconstraint: named,
      tgdeferrable: value,
      tginitdeferred: value,
      tgnargs: value,
      tgattr: columns('tgrelid'),
      tgargs: value,
      tgqual: expression(`pg_catalog.pg_get_triggerdef(r.oid)`),
      tgoldtable: value,
      tgnewtable: value,
    },
  }),
  pg_rewrite: ofRelation('ev_class', {
    kind: `'rule'`,
    name: `pg_catalog.quote_ident(r.rulename) || ' on ' || rel.name`,
    columns: {
      oid: ownNumber,
      rulename: named,
      ev_class: named,
      ev_type: value,
      ev_enabled: value,
      is_instead: value,
      ev_qual: left('printed together with the action'),
      ev_action: expression('pg_catalog.pg_get_ruledef(r.oid)'),
    },
  }),
  pg_policy: ofRelation('polrelid', {
    kind: `'policy'`,
    name: `pg_catalog.quote_ident(r.polname) || ' on ' || rel.name`,
    columns: {
      oid: ownNumber,
      polname: named,
      polrelid: named,
      polcmd: value,
      polpermissive: value,
      polroles: roles,
      polqual: expression('pg_catalog.pg_get_expr(r.polqual, r.polrelid)'),
      polwithcheck: expression('pg_catalog.pg_get_expr(r.polwithcheck, r.polrelid)'),
    },
  }),
  pg_event_trigger: standing('pg_event_trigger', {
    kind: `'event trigger'`,
    name: 'pg_catalog.quote_ident(r.evtname)',
    columns: {
      oid: ownNumber,
      evtname: named,
      evtevent: value,
      evtowner: role,
      evtfoid: routine,
      evtenabled: value,
      evttags: value,
    },
  }),
};
