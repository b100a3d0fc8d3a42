import { acl, isMade, type Question, sorted } from './question.ts';

const named = (alias: string, prefix: string) => `format('%s.%I', ${alias}.${prefix}namespace::regnamespace, ${alias}.${prefix}name)`;
/** As PostgreSQL itself names any object, by its documented function. */
const identity = (catalog: string, oid: string) => `(SELECT concat_ws(' ', o.type, o.identity) FROM pg_identify_object('${catalog}'::regclass, ${oid}, 0) o)`;
const collation = (oid: string) => `(SELECT format('%s.%I', c.collnamespace::regnamespace, c.collname) FROM pg_collation c WHERE c.oid = ${oid})`;

export const objectQuestions: readonly Question[] = [
  {
    sort: 'database',
    sql: `SELECT 'properties' AS name, json_build_object('owner', d.datdba::regrole, 'acl', ${acl('d.datacl', 'd', 'd.datdba')}, 'comment', shobj_description(d.oid, 'pg_database'), 'limit', d.datconnlimit, 'template', d.datistemplate,
        'encoding', d.encoding, 'collate', d.datcollate, 'type', d.datctype, 'provider', d.datlocprovider, 'locale', coalesce(to_json(d) -> 'daticulocale', to_json(d) -> 'datlocale'), 'rules', to_json(d) -> 'daticurules', 'version', d.datcollversion, 'tablespace', d.dattablespace) AS fact
      FROM pg_database d WHERE d.datname = current_database()`,
  },
  {
    sort: 'setting',
    sql: `SELECT concat_ws(' ', split_part(x, '=', 1), CASE WHEN s.setrole <> 0 THEN 'of ' || s.setrole::regrole END) AS name, to_json(substr(x, strpos(x, '=') + 1)) AS fact
      FROM pg_db_role_setting s, unnest(s.setconfig) x WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  },
  {
    sort: 'schema',
    sql: `SELECT quote_ident(n.nspname) AS name, json_build_object('owner', n.nspowner::regrole, 'acl', ${acl('n.nspacl', 'n', 'n.nspowner')}) AS fact FROM pg_namespace n WHERE n.nspname !~ '^pg_(toast|temp)'`,
  },
  {
    sort: 'function',
    sql: `SELECT p.oid::regprocedure AS name, json_build_object('kind', p.prokind, '~definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END, 'owner', p.proowner::regrole, 'acl', ${acl('p.proacl', 'f', 'p.proowner')},
        'result', pg_get_function_result(p.oid), 'arguments', pg_get_function_arguments(p.oid), 'config', ${sorted('p.proconfig')}, 'leakproof', p.proleakproof, 'strict', p.proisstrict, 'volatile', p.provolatile, 'parallel', p.proparallel, 'cost', p.procost, 'rows', p.prorows, 'support', p.prosupport::regproc,
        'aggregate', (SELECT json_build_object('kind', a.aggkind, 'direct', a.aggnumdirectargs, 'functions', concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn), 'flags', concat_ws(' ', a.aggfinalextra, a.aggmfinalextra, a.aggfinalmodify, a.aggmfinalmodify),
          'sort', a.aggsortop::regoperator, 'types', concat_ws(' ', a.aggtranstype::regtype, a.aggmtranstype::regtype, a.aggtransspace, a.aggmtransspace), 'initial', a.agginitval, 'moving initial', a.aggminitval) FROM pg_aggregate a WHERE a.aggfnoid = p.oid)) AS fact
      FROM pg_proc p WHERE ${isMade('p')}`,
  },
  {
    sort: 'right on a system object',
    sql: `SELECT * FROM (SELECT 'function ' || p.oid::regprocedure AS name, ${acl('p.proacl', 'f', 'p.proowner')} AS fact FROM pg_proc p WHERE p.oid < 16384 AND p.proacl IS NOT NULL
      UNION ALL SELECT 'relation ' || c.oid::regclass, ${acl('c.relacl', 'r', 'c.relowner')} FROM pg_class c WHERE c.oid < 16384 AND c.relacl IS NOT NULL
      UNION ALL SELECT 'type ' || t.oid::regtype, ${acl('t.typacl', 'T', 't.typowner')} FROM pg_type t WHERE t.oid < 16384 AND t.typacl IS NOT NULL) x`,
  },
  {
    sort: 'language',
    sql: `SELECT quote_ident(l.lanname) AS name, json_build_object('owner', l.lanowner::regrole, 'acl', ${acl('l.lanacl', 'l', 'l.lanowner')}, 'trusted', l.lanpltrusted, 'functions', concat_ws(' ', l.lanplcallfoid::regproc, l.laninline::regproc, l.lanvalidator::regproc)) AS fact FROM pg_language l`,
  },
  {
    sort: 'type',
    sql: `SELECT ${named('t', 'typ')} AS name, json_build_object('type', t.typtype, 'category', t.typcategory, 'preferred', t.typispreferred, 'defined', t.typisdefined, 'owner', t.typowner::regrole, 'acl', CASE WHEN t.typelem = 0 OR t.typtype <> 'b' THEN ${acl('t.typacl', 'T', 't.typowner')} END, 'array', t.typarray::regtype,
        'functions', concat_ws(' ', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze), 'form', concat_ws(' ', t.typlen, t.typbyval, t.typalign, t.typstorage, t.typdelim),
        'not null', t.typnotnull, 'base', format_type(nullif(t.typbasetype, 0), t.typtypmod), '~default', t.typdefault, 'collation', ${collation('t.typcollation')},
        'labels', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
        'range', (SELECT concat_ws(' ', r.rngsubtype::regtype, r.rngmultitypid::regtype, ${collation('r.rngcollation')}, ${identity('pg_opclass', 'r.rngsubopc')}, r.rngcanonical, r.rngsubdiff) FROM pg_range r WHERE r.rngtypid = t.oid)) AS fact
      FROM pg_type t WHERE ${isMade('t')} AND t.typnamespace <> 'pg_toast'::regnamespace`,
  },
  {
    sort: 'operator',
    sql: `SELECT o.oid::regoperator AS name, json_build_object('owner', o.oprowner::regrole, 'function', o.oprcode::regprocedure, 'result', o.oprresult::regtype, 'commutator', o.oprcom::regoperator, 'negator', o.oprnegate::regoperator, 'estimates', concat_ws(' ', o.oprrest, o.oprjoin), 'merges', o.oprcanmerge, 'hashes', o.oprcanhash) AS fact FROM pg_operator o WHERE ${isMade('o')}`,
  },
  {
    sort: 'operator class',
    sql: `SELECT ${identity('pg_opclass', 'c.oid')} AS name, json_build_object('owner', c.opcowner::regrole, 'family', ${identity('pg_opfamily', 'c.opcfamily')}, 'type', c.opcintype::regtype, 'default', c.opcdefault, 'key', c.opckeytype::regtype) AS fact FROM pg_opclass c WHERE ${isMade('c')}`,
  },
  {
    sort: 'operator family',
    sql: `SELECT ${identity('pg_opfamily', 'f.oid')} AS name, json_build_object('owner', f.opfowner::regrole, 'operators', (SELECT json_agg(concat_ws(' ', a.amopstrategy, a.amopopr::regoperator, a.amoppurpose, ${identity('pg_opfamily', 'nullif(a.amopsortfamily, 0)')}) ORDER BY a.amopstrategy, a.amopopr::regoperator::text) FROM pg_amop a WHERE a.amopfamily = f.oid),
        'functions', (SELECT json_agg(concat_ws(' ', a.amprocnum, a.amproc, a.amproclefttype::regtype, a.amprocrighttype::regtype) ORDER BY a.amprocnum, a.amproc::text, a.amproclefttype::regtype::text) FROM pg_amproc a WHERE a.amprocfamily = f.oid)) AS fact FROM pg_opfamily f WHERE ${isMade('f')}`,
  },
  {
    sort: 'cast',
    sql: `SELECT concat_ws(' ', c.castsource::regtype, c.casttarget::regtype) AS name, json_build_object('function', c.castfunc::regprocedure, 'context', c.castcontext, 'method', c.castmethod) AS fact FROM pg_cast c`,
  },
  {
    sort: 'transform',
    sql: `SELECT ${identity('pg_transform', 't.oid')} AS name, to_json(concat_ws(' ', t.trffromsql, t.trftosql)) AS fact FROM pg_transform t`,
  },
  {
    sort: 'conversion',
    sql: `SELECT ${named('c', 'con')} AS name, json_build_object('owner', c.conowner::regrole, 'from', c.conforencoding, 'to', c.contoencoding, 'function', c.conproc, 'default', c.condefault) AS fact FROM pg_conversion c WHERE ${isMade('c')}`,
  },
  {
    sort: 'access method',
    sql: `SELECT a.amname AS name, json_build_object('handler', a.amhandler, 'type', a.amtype) AS fact FROM pg_am a`,
  },
  {
    sort: 'collation',
    sql: `SELECT ${named('c', 'coll')} AS name, json_build_object('owner', c.collowner::regrole, 'provider', c.collprovider, 'deterministic', c.collisdeterministic, 'collate', c.collcollate, 'type', c.collctype, 'locale', coalesce(to_json(c) -> 'colliculocale', to_json(c) -> 'colllocale'), 'rules', to_json(c) -> 'collicurules', 'version', c.collversion) AS fact FROM pg_collation c WHERE ${isMade('c')}`,
  },
  {
    sort: 'text search configuration',
    sql: `SELECT ${named('c', 'cfg')} AS name, json_build_object('owner', c.cfgowner::regrole, 'parser', ${identity('pg_ts_parser', 'c.cfgparser')}, 'map', (SELECT json_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary) ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid)) AS fact FROM pg_ts_config c`,
  },
  {
    sort: 'text search dictionary',
    sql: `SELECT ${named('d', 'dict')} AS name, json_build_object('owner', d.dictowner::regrole, 'template', ${identity('pg_ts_template', 'd.dicttemplate')}, 'options', d.dictinitoption) AS fact FROM pg_ts_dict d`,
  },
  {
    sort: 'text search parser',
    sql: `SELECT ${named('p', 'prs')} AS name, to_json(concat_ws(' ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)) AS fact FROM pg_ts_parser p`,
  },
  {
    sort: 'text search template',
    sql: `SELECT ${named('t', 'tmpl')} AS name, to_json(concat_ws(' ', t.tmplinit, t.tmpllexize)) AS fact FROM pg_ts_template t`,
  },
  {
    sort: 'foreign-data wrapper',
    sql: `SELECT quote_ident(w.fdwname) AS name, json_build_object('owner', w.fdwowner::regrole, 'acl', ${acl('w.fdwacl', 'F', 'w.fdwowner')}, 'functions', concat_ws(' ', w.fdwhandler::regproc, w.fdwvalidator::regproc), 'options', ${sorted('w.fdwoptions')}) AS fact FROM pg_foreign_data_wrapper w`,
  },
  {
    sort: 'server',
    sql: `SELECT quote_ident(s.srvname) AS name, json_build_object('owner', s.srvowner::regrole, 'acl', ${acl('s.srvacl', 'S', 's.srvowner')}, 'wrapper', (SELECT fdwname FROM pg_foreign_data_wrapper WHERE oid = s.srvfdw), 'type', s.srvtype, 'version', s.srvversion, 'options', ${sorted('s.srvoptions')}) AS fact FROM pg_foreign_server s`,
  },
  {
    sort: 'user mapping',
    sql: `SELECT concat_ws(' ', CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE m.umuser::regrole::text END, (SELECT quote_ident(srvname) FROM pg_foreign_server WHERE oid = m.umserver)) AS name, json_build_object('options', ${sorted('m.umoptions')}) AS fact FROM pg_user_mapping m`,
  },
  {
    sort: 'subscription',
    sql: `SELECT quote_ident(s.subname) AS name, to_jsonb(s) - 'oid' - 'subdbid' - 'subowner' AS fact FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  },
  {
    sort: 'event trigger',
    sql: `SELECT quote_ident(t.evtname) AS name, json_build_object('owner', t.evtowner::regrole, 'event', t.evtevent, 'function', t.evtfoid::regproc, 'enabled', t.evtenabled, 'tags', ${sorted('t.evttags')}) AS fact FROM pg_event_trigger t`,
  },
  {
    sort: 'default privileges',
    sql: `SELECT concat_ws(' ', a.defaclrole::regrole, CASE WHEN a.defaclnamespace <> 0 THEN 'in ' || a.defaclnamespace::regnamespace END, a.defaclobjtype) AS name, ${acl('a.defaclacl', '', '')} AS fact FROM pg_default_acl a`,
  },
  {
    sort: 'large object',
    sql: `SELECT l.oid::text AS name, json_build_object('owner', l.lomowner::regrole, 'acl', ${acl('l.lomacl', 'L', 'l.lomowner')}, 'content', md5(lo_get(l.oid)), 'bytes', length(lo_get(l.oid))) AS fact FROM pg_largeobject_metadata l`,
  },
  {
    sort: 'extension',
    sql: `SELECT quote_ident(e.extname) AS name, json_build_object('owner', e.extowner::regrole, 'schema', e.extnamespace::regnamespace, 'version', e.extversion, 'relocatable', e.extrelocatable,
        'configuration', (SELECT json_agg(concat_ws(' ', c.table::regclass, e.extcondition[c.place]) ORDER BY c.table::regclass::text) FROM unnest(e.extconfig) WITH ORDINALITY c("table", place)),
        'members', (SELECT json_agg(m.line ORDER BY m.line) FROM (SELECT concat_ws(' ', o.type, o.identity) AS line FROM pg_depend d, pg_identify_object(d.classid, d.objid, d.objsubid) o WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e') m)) AS fact FROM pg_extension e`,
  },
  {
    sort: 'dependence on an extension',
    sql: `SELECT concat_ws(' ', o.type, o.identity) AS name, json_agg(e.extname ORDER BY e.extname) AS fact FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid, pg_identify_object(d.classid, d.objid, d.objsubid) o WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x' GROUP BY 1`,
  },
  {
    sort: 'comment',
    sql: `SELECT concat_ws(' ', o.type, o.identity) AS name, to_json(d.description) AS fact
      FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o WHERE d.objoid >= 16384 OR d.classoid IN ('pg_namespace'::regclass, 'pg_language'::regclass, 'pg_class'::regclass)`,
  },
  {
    sort: 'security label',
    sql: `SELECT concat_ws(' ', l.provider, o.type, o.identity) AS name, to_json(l.label) AS fact FROM pg_seclabel l, pg_identify_object(l.classoid, l.objoid, l.objsubid) o`,
  },
];
