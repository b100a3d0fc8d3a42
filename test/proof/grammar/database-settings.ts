import { kind } from './kind.ts';
import type { Place } from './place.ts';

const set = (name: string, setting: string, values: readonly string[], more = {}) =>
  kind(`database ${name}`, (p: Place) => `ALTER DATABASE ${p.database} SET ${setting} = ${p.pick(values)}`, {
    weight: 0.5,
    ...more,
  });

const role = (name: string, setting: string, values: readonly string[]) =>
  kind(`role in database ${name}`, (p: Place) => `ALTER ROLE ${p.roles[0]} IN DATABASE ${p.database} SET ${setting} = ${p.pick(values)}`, { weight: 0.3 });

/** Settings that change what values, indexes, matviews become: in force from the beginning, or not at all. */
export const resultSettingKinds = [
  set('time zone', 'timezone', ["'Asia/Tokyo'", "'America/New_York'", "'UTC'"]),
  set('date style', 'datestyle', ["'German, DMY'", "'SQL, MDY'", "'Postgres, DMY'"]),
  set('interval style', 'intervalstyle', ["'iso_8601'", "'sql_standard'"]),
  set('text search configuration', 'default_text_search_config', ["'pg_catalog.german'", "'pg_catalog.simple'"]),
  set('messages', 'lc_messages', ["'C'"], { by: 'superuser' }),
  set('money', 'lc_monetary', ["'C.UTF-8'", "'C'"]),
  set('numbers', 'lc_numeric', ["'C.UTF-8'", "'C'"]),
  set('names of days', 'lc_time', ["'C.UTF-8'", "'C'"]),
  set('float digits', 'extra_float_digits', ['0', '-3', '3']),
  set('tenant', 'app.tenant', ["'acme'", "'it''s, \"quoted\"'"]),
  set('bytes', 'bytea_output', ["'escape'"]),
  set('client encoding', 'client_encoding', ["'LATIN1'", "'UTF8'"]),
  set('strings', 'standard_conforming_strings', ['off']),
  set('quotes', 'quote_all_identifiers', ['on']),
  role('time zone', 'timezone', ["'Europe/Berlin'"]),
  role('date style', 'datestyle', ["'German'"]),
  role('search', 'default_text_search_config', ["'pg_catalog.french'"]),
] as const;

/** Settings that are in the way of a restore, or that only have to be there again. */
export const otherSettingKinds = [
  set('statement timeout', 'statement_timeout', ["'2s'", "'1min'"]),
  set('lock timeout', 'lock_timeout', ["'100ms'"]),
  set('idle timeout', 'idle_in_transaction_session_timeout', ["'1s'"]),
  set('session timeout', 'idle_session_timeout', ["'1s'"]),
  set('transaction timeout', 'transaction_timeout', ["'2s'"], { from: 17 }),
  set('read only', 'default_transaction_read_only', ['on']),
  set('isolation', 'default_transaction_isolation', ['serializable', "'repeatable read'"]),
  set('deferrable', 'default_transaction_deferrable', ['on']),
  set('array nulls', 'array_nulls', ['off']),
  set('null equals', 'transform_null_equals', ['on']),
  set('search path', 'search_path', ['"$user", \'odd, "path\'', 'pg_catalog']),
  set('xml option', 'xmloption', ['document']),
  set('function bodies', 'check_function_bodies', ['off']),
  set('row security', 'row_security', ['off']),
  set('exit on error', 'exit_on_error', ['on']),
  set('plans', 'enable_seqscan', ['off']),
  set('memory', 'work_mem', ["'1MB'"]),
  set('workers', 'max_parallel_maintenance_workers', ['0']),
  set('messages to the client', 'client_min_messages', ['error', 'debug1']),
  set('compression', 'default_toast_compression', ['lz4', 'pglz']),
  set('gin limit', 'gin_fuzzy_search_limit', ['5']),
  set('relation kinds', 'restrict_nonsystem_relation_kind', ["'view'"], { from: 16 }),
  set('replication role', 'session_replication_role', ['replica'], { by: 'superuser' }),
  set('event triggers', 'event_triggers', ['off'], { by: 'superuser', from: 17 }),
  set('statement log', 'log_min_duration_statement', ["'5s'"], { by: 'superuser' }),
  role('statement timeout', 'statement_timeout', ["'1min'"]),
  role('read only', 'default_transaction_read_only', ['on']),
  role('tenant', 'app.tenant', ["'other'"]),
  role('role', 'role', ["'none'"]),
  kind('settings of another role in the database', (p) => `ALTER ROLE ${p.roles[2]} IN DATABASE ${p.database} SET work_mem = '3MB'`, { by: 'superuser', weight: 0.3 }),
] as const;
