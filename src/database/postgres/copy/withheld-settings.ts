/**
 * Settings of a database that are not in force while its copy is filled, and why. All others are: they may change what
 * functions compute, and indexes, generated columns and materialized views are computed anew. These here would stop a
 * restore, or turn it into something else; the copy gets them when it is proved.
 */
export const withheldSettings: Readonly<Record<string, string>> = {
  statement_timeout: 'building an index takes as long as it takes',
  lock_timeout: 'parallel jobs of pg_restore wait for one another',
  transaction_timeout: 'a table is filled in one transaction',
  idle_in_transaction_session_timeout: 'sessions of ours wait in transactions while others work',
  idle_session_timeout: 'sessions of ours wait while others work',
  tcp_user_timeout: 'a server that is busy restoring does not read for a while',
  tcp_keepalives_idle: 'sessions of ours have their own',
  tcp_keepalives_interval: 'sessions of ours have their own',
  tcp_keepalives_count: 'sessions of ours have their own',

  default_transaction_read_only: 'a restore writes',
  default_transaction_isolation: 'serializable transactions of parallel jobs may fail',
  default_transaction_deferrable: 'belongs to the two above',
  transaction_read_only: 'a restore writes',

  array_nulls: 'the NULLs of a dumped array would become texts',
  transform_null_equals: 'a dumped `x = NULL` would become `x IS NULL`',
  quote_all_identifiers: 'options of dictionaries would be stored under quoted names',
  session_replication_role: 'it switches triggers and rules off',
  restrict_nonsystem_relation_kind: 'materialized views that read views could not be filled',
  default_table_access_method:
    'the extension that brings it is not there at first; a dump says it for each table',

  role: 'the restore would run as somebody else',
  session_authorization: 'the restore would run as somebody else',
  session_preload_libraries: 'it runs code in every session, or lets none begin where it is missing',
  local_preload_libraries: 'it runs code in every session, or lets none begin where it is missing',
  exit_on_error: 'an error that we know and pass over would end the session',
  lc_messages: 'messages of a failing restore are read, so they must not be translated',

  temp_file_limit: 'sorting for an index takes as much room as it takes',
  vacuum_cost_delay: 'ANALYZE of the copy would sleep',
  synchronous_commit: 'a restore does not wait for the disk at every commit; see lazy-commits.ts',
};

export function isWithheld(name: string): boolean {
  return Object.hasOwn(withheldSettings, name.toLowerCase());
}
