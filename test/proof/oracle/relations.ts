import { acl, isMade, type Question, sorted } from './question.ts';

const relation = (oid: string) => `(SELECT format('%I.%I', rel_n.nspname, rel_c.relname) FROM pg_class rel_c JOIN pg_namespace rel_n ON rel_n.oid = rel_c.relnamespace WHERE rel_c.oid = ${oid})`;
const typeOf = (type: string, modifier: string) => `format_type(${type}, ${modifier})`;
const collation = (oid: string) => `(SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = ${oid})`;

/** What a foreign key has for each partition that it refers to, under a name that nobody gave. */
const isEcho = (row: string) => `${row}.contype = 'f' AND EXISTS (SELECT FROM pg_constraint e WHERE e.oid = ${row}.conparentid AND e.conrelid = ${row}.conrelid)`;

/** Fields that begin with ~ are expressions as PostgreSQL writes them. */
export const relationQuestions: readonly Question[] = [
  {
    sort: 'relation',
    sql: `SELECT ${relation('c.oid')} AS name, json_build_object('kind', c.relkind, 'owner', c.relowner::regrole, 'acl', CASE WHEN c.relkind = 'S' THEN ${acl('c.relacl', 's', 'c.relowner')} WHEN c.relkind <> 'c' THEN ${acl('c.relacl', 'r', 'c.relowner')} END,
        'persistence', c.relpersistence, 'options', ${sorted('c.reloptions')}, 'toast options', (SELECT ${sorted('t.reloptions')} FROM pg_class t WHERE t.oid = c.reltoastrelid),
        'identity', c.relreplident, 'row security', c.relrowsecurity, 'forced', c.relforcerowsecurity, 'populated', c.relispopulated, 'of', nullif(c.reloftype, 0)::regtype,
        'method', (SELECT amname FROM pg_am WHERE oid = c.relam), 'tablespace', c.reltablespace, '~bound', pg_get_expr(c.relpartbound, c.oid), '~key', pg_get_partkeydef(c.oid),
        '~view', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
        'parents', (SELECT json_agg(${relation('i.inhparent')} ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid),
        'detaching', (SELECT bool_or(i.inhdetachpending) FROM pg_inherits i WHERE i.inhrelid = c.oid)) AS fact
      FROM pg_class c WHERE ${isMade('c')} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relnamespace <> 'pg_toast'::regnamespace`,
  },
  {
    sort: 'column',
    sql: `SELECT ${relation('a.attrelid')} || ' ' || quote_ident(a.attname) AS name, json_build_object('type', ${typeOf('a.atttypid', 'a.atttypmod')}, 'not null', a.attnotnull, '~default', pg_get_expr(d.adbin, d.adrelid),
        'identity', a.attidentity, 'generated', a.attgenerated, 'collation', ${collation('a.attcollation')}, 'storage', a.attstorage, 'compression', a.attcompression,
        'statistics', coalesce(a.attstattarget, -1), 'options', ${sorted('a.attoptions')}, 'fdw options', ${sorted('a.attfdwoptions')}, 'acl', ${acl('a.attacl', '', '')}, 'local', a.attislocal, 'inherited', a.attinhcount) AS fact
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE ${isMade('c')} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relnamespace <> 'pg_toast'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped`,
  },
  {
    sort: 'order of columns',
    sql: `SELECT ${relation('a.attrelid')} AS name, json_agg(a.attname ORDER BY a.attnum) AS fact FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE ${isMade('c')} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relnamespace <> 'pg_toast'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid`,
  },
  {
    sort: 'constraint',
    sql: `SELECT coalesce(${relation('nullif(x.conrelid, 0)')}, 'domain ' || x.contypid::regtype) || ' ' || quote_ident(x.conname) AS name, json_build_object('type', x.contype, '~definition', pg_get_constraintdef(x.oid),
        'deferrable', x.condeferrable, 'deferred', x.condeferred, 'validated', x.convalidated, 'local', x.conislocal, 'inherited', x.coninhcount, 'not inheritable', x.contype IN ('c', 'n') AND x.connoinherit,
        'index', (SELECT relname FROM pg_class WHERE oid = x.conindid AND x.contype <> 'f'), 'parent', (SELECT ${relation('p.conrelid')} || ' ' || p.conname FROM pg_constraint p WHERE p.oid = x.conparentid), 'enforced', to_json(x) -> 'conenforced') AS fact
      FROM pg_constraint x WHERE ${isMade('x')} AND x.contype <> 't' AND NOT (${isEcho('x')})`,
  },
  {
    sort: 'index',
    sql: `SELECT ${relation('i.indexrelid')} AS name, json_build_object('table', ${relation('i.indrelid')}, '~definition', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid, 'ready', i.indisready, 'primary', i.indisprimary, 'unique', i.indisunique,
        'immediate', i.indimmediate, 'exclusion', i.indisexclusion, 'clustered', i.indisclustered, 'identity', i.indisreplident, 'options', ${sorted('c.reloptions')},
        'statistics', (SELECT json_agg(coalesce(a.attstattarget, -1) ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.indexrelid),
        'parent', (SELECT ${relation('h.inhparent')} FROM pg_inherits h WHERE h.inhrelid = i.indexrelid), 'owner', c.relowner::regrole) AS fact
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE ${isMade('c')} AND c.relnamespace <> 'pg_toast'::regnamespace`,
  },
  {
    sort: 'trigger',
    sql: `SELECT ${relation('t.tgrelid')} || ' ' || CASE WHEN t.tgisinternal THEN concat_ws(' ', coalesce((SELECT 'of ' || ${relation('x.conrelid')} || CASE WHEN ${isEcho('x')} THEN ' for a partition' ELSE ' ' || quote_ident(x.conname) END FROM pg_constraint x WHERE x.oid = t.tgconstraint), 'internal'), t.tgfoid::regproc, t.tgtype) ELSE quote_ident(t.tgname) END AS name,
        json_build_object('enabled', t.tgenabled, '~definition', CASE WHEN NOT t.tgisinternal THEN pg_get_triggerdef(t.oid) END, 'deferrable', t.tgdeferrable, 'deferred', t.tginitdeferred,
          'parent', (SELECT ${relation('p.tgrelid')} FROM pg_trigger p WHERE p.oid = t.tgparentid)) AS fact
      FROM pg_trigger t WHERE ${isMade('t')}`,
  },
  {
    sort: 'rule',
    sql: `SELECT ${relation('r.ev_class')} || ' ' || quote_ident(r.rulename) AS name, json_build_object('enabled', r.ev_enabled, '~definition', CASE WHEN r.rulename <> '_RETURN' THEN pg_get_ruledef(r.oid) END) AS fact FROM pg_rewrite r WHERE ${isMade('r')}`,
  },
  {
    sort: 'policy',
    sql: `SELECT ${relation('p.polrelid')} || ' ' || quote_ident(p.polname) AS name, json_build_object('command', p.polcmd, 'permissive', p.polpermissive, 'roles', (SELECT json_agg(DISTINCT CASE WHEN o = 0 THEN 'PUBLIC' ELSE o::regrole::text END) FROM unnest(p.polroles) o),
        '~using', pg_get_expr(p.polqual, p.polrelid), '~check', pg_get_expr(p.polwithcheck, p.polrelid)) AS fact FROM pg_policy p`,
  },
  {
    sort: 'statistics',
    sql: `SELECT format('%I.%I', s.stxnamespace::regnamespace::text, s.stxname) AS name, json_build_object('table', ${relation('s.stxrelid')}, '~definition', pg_get_statisticsobjdef(s.oid), 'owner', s.stxowner::regrole, 'target', coalesce(s.stxstattarget, -1)) AS fact FROM pg_statistic_ext s`,
  },
  {
    sort: 'sequence',
    sql: `SELECT ${relation('s.seqrelid')} AS name, json_build_object('type', s.seqtypid::regtype, 'start', s.seqstart, 'by', s.seqincrement, 'max', s.seqmax, 'min', s.seqmin, 'cache', s.seqcache, 'cycle', s.seqcycle,
        'owned', (SELECT json_agg(concat_ws(' ', d.deptype, ${relation('d.refobjid')}, a.attname)) FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
          WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))) AS fact FROM pg_sequence s`,
  },
  {
    sort: 'foreign table',
    sql: `SELECT ${relation('f.ftrelid')} AS name, json_build_object('server', (SELECT srvname FROM pg_foreign_server WHERE oid = f.ftserver), 'options', ${sorted('f.ftoptions')}) AS fact FROM pg_foreign_table f`,
  },
  {
    sort: 'publication',
    sql: `SELECT quote_ident(p.pubname) AS name, json_build_object('publication', to_json(p)::jsonb - 'oid' - 'pubowner', 'owner', p.pubowner::regrole,
        'tables', (SELECT json_agg(json_build_array(${relation('r.prrelid')}, (SELECT json_agg(a.attname ORDER BY a.attname) FROM unnest(r.prattrs) n JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = n), pg_get_expr(r.prqual, r.prrelid)) ORDER BY ${relation('r.prrelid')}) FROM pg_publication_rel r WHERE r.prpubid = p.oid),
        'schemas', (SELECT json_agg(s.pnnspid::regnamespace::text ORDER BY s.pnnspid::regnamespace::text) FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)) AS fact FROM pg_publication p`,
  },
];
