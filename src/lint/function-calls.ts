import type { SyntaxNode } from './parse-sql.ts';
import { fieldsOf, nameParts, objectsIn } from './syntax-tree.ts';

/**
 * Functions of PostgreSQL and of its common extensions that do nothing which outlives a rolled-back transaction
 * and run no SQL that they are given. `nextval` is among them: sequences move on anyway and are never set back.
 * `setval`, `dblink…`, `query_to_xml`, `lo_export`, `pg_terminate_backend` and every function of the user's are not:
 * what is inside of those cannot be read from the script.
 */
const harmlessFunctions = new Set(
  `abs age any_value array_agg array_append array_cat array_fill array_length array_lower array_ndims array_position
   array_positions array_prepend array_remove array_replace array_to_json array_to_string array_upper ascii avg
   bit_and bit_length bit_or bool_and bool_or btrim cardinality cbrt ceil ceiling char_length character_length chr
   clock_timestamp concat concat_ws convert_from convert_to count crypt cume_dist current_database current_schema
   current_schemas current_setting currval date date_bin date_part date_trunc decode dense_rank digest div encode
   every exp extract first_value floor format gen_random_bytes gen_random_uuid gen_salt generate_series
   generate_subscripts get_bit get_byte hashtext hashtextextended hmac initcap is_normalized isfinite
   json_agg json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
   json_each json_each_text json_extract_path json_extract_path_text json_object json_object_agg json_object_keys
   json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_typeof
   jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
   jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg
   jsonb_object_keys jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array
   jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax
   jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof justify_days justify_hours justify_interval
   lag last_value lastval lead left length ln localtime localtimestamp log lower lpad ltrim make_date make_interval
   make_time make_timestamp make_timestamptz max md5 min mod mode nextval normalize now nth_value ntile num_nonnulls
   num_nulls numrange obj_description octet_length overlay parse_ident percent_rank percentile_cont percentile_disc
   pg_advisory_lock pg_advisory_unlock pg_advisory_xact_lock pg_get_serial_sequence pg_sleep pg_try_advisory_lock
   pg_try_advisory_xact_lock pg_typeof pi plainto_tsquery position power quote_ident quote_literal quote_nullable
   random range_agg rank regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
   regexp_split_to_array regexp_split_to_table regexp_substr repeat replace reverse right round row_number row_to_json
   rpad rtrim scale set_config setweight sha224 sha256 sha384 sha512 sign similarity split_part sqrt
   starts_with statement_timestamp stddev string_agg string_to_array string_to_table strpos strip substr substring sum
   text timeofday timezone to_char to_date to_hex to_json to_jsonb to_number to_regclass to_timestamp to_tsquery
   to_tsvector transaction_timestamp translate trim trim_array trim_scale trunc ts_rank tstzrange tsrange
   daterange int4range int8range txid_current unaccent unnest upper uuid_generate_v1 uuid_generate_v1mc
   uuid_generate_v4 uuidv4 uuidv7 variance version websearch_to_tsquery width_bucket`
    .trim()
    .split(/\s+/),
);

/** Statements that store expressions without running them. */
const storesOnly = new Set([
  'AlterPolicyStmt',
  'CreateDomainStmt',
  'CreateFunctionStmt',
  'CreatePolicyStmt',
  'CreateTrigStmt',
  'RuleStmt',
  'ViewStmt',
]);

/**
 * Whether running the statement can run a function (or operator) that is not known to be harmless.
 * Names are taken as PostgreSQL's own unless they are qualified otherwise: a function of the user's that overloads
 * `lower` for a type of his own is not told apart.
 */
export function callsUnknownFunction(kind: string, node: SyntaxNode): boolean {
  if (storesOnly.has(kind)) return false;
  // The columns of a new table hold no row yet; the bounds of a partition are computed.
  const tree = kind === 'CreateStmt' ? fieldsOf(node, kind).partbound : node;
  for (const fields of objectsIn(tree, (each) => !isStored(each))) {
    if (isStored(fields)) continue;
    if (unknownName(fields) !== null) return true;
    if ('A_Expr' in fields && !isPlainOperator(nameParts(fieldsOf(fields, 'A_Expr').name))) return true;
  }
  return false;
}

/** The functions below the node that are not known to be harmless, each once, as the script names them. */
export function unknownFunctions(node: SyntaxNode): readonly string[] {
  const names = new Set<string>();
  for (const fields of objectsIn(node)) {
    const name = unknownName(fields);
    if (name !== null) names.add(name.join('.'));
  }
  return [...names];
}

function unknownName(fields: Readonly<Record<string, SyntaxNode>>): readonly string[] | null {
  if (!('FuncCall' in fields)) return null;
  const name = nameParts(fieldsOf(fields, 'FuncCall').funcname);
  return isHarmless(name) ? null : name;
}

/** Parts of DDL that are stored and not run. (ADD COLUMN … DEFAULT and ALTER … TYPE … USING do run.) */
function isStored(fields: Readonly<Record<string, SyntaxNode>>): boolean {
  return fields.subtype === 'AT_ColumnDefault';
}

function isHarmless(name: readonly string[]): boolean {
  const [schema, ...rest] = name;
  if (schema === undefined) return false;
  if (rest.length === 0) return harmlessFunctions.has(schema);
  return schema === 'pg_catalog' && rest.length === 1 && harmlessFunctions.has(rest[0] ?? '');
}

function isPlainOperator(name: readonly string[]): boolean {
  return name.length < 2 || name[0] === 'pg_catalog';
}
