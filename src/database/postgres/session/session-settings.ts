import { literal } from '../../sql-text.ts';

/** What makes the same value have the same text; whoever wants to compute as the application does takes it back. */
export const comparableValues: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
  // The text of a money value depends on it, and another server's may have another one.
  lc_monetary: 'C',
  xmlbinary: 'base64',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
};

/**
 * What every session of ours sets first. Two aims: nothing that a database or role was given by ALTER … SET may end
 * a long read (timeouts), and the same value must always have the same text (comparisons hash text).
 * Names that a server does not know are passed over: idle_session_timeout came with 14, transaction_timeout with 17.
 */
const settings: Readonly<Record<string, string>> = {
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  // A session may be idle for as long as a dump or a migration takes. The server's probes keep the way open through
  // NAT and load balancers, which forget idle connections after some minutes; on a socket they mean nothing.
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '15',

  ...comparableValues,

  // Where a database forces them, parallel workers answer, and those do not know what a session began with.
  force_parallel_mode: 'off',
  debug_parallel_query: 'off',

  row_security: 'off',
  client_min_messages: 'warning',
  // The write fence is such a default; our own repair of the history has to pass it.
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
};

/**
 * The statements that set up a session, to be run one by one and in this order. The timeout goes first, or a short one
 * ends what follows; then the search path: until it is empty, the database's own functions and operators could stand
 * before PostgreSQL's.
 */
export function sessionSettings(): string[] {
  const wanted = Object.entries(settings).map(([name, value]) => `(${literal(name)}, ${literal(value)})`);
  return [
    'set statement_timeout = 0',
    "set search_path = ''",
    `select set_config(w.name, w.value, false) from (values ${wanted.join(', ')}) as w(name, value) where exists (select from pg_settings s where s.name = w.name)`,
  ];
}

/**
 * The server looks whether we are still there while it works for us (14 and later): a killed run then leaves no
 * query behind. Some systems cannot do that and refuse the setting, which is no reason to stop.
 */
export const disconnectCheck =
  "select set_config('client_connection_check_interval', '2s', false) from pg_settings where name = 'client_connection_check_interval'";
