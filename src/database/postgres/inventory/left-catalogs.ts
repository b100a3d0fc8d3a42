/** Catalogs of which nothing is read here, each with the reason. */
export const leftCatalogs: Readonly<Record<string, string>> = {
  pg_database:
    'compared as properties of the database: owner, encoding, locale, tablespace, privileges, limit',
  pg_db_role_setting:
    'compared as properties of the database; the order in which settings were made means nothing',
  pg_largeobject: 'read through lo_get() and compared as contents',
  pg_largeobject_metadata: 'owners and privileges are compared with the contents of large objects',
  pg_subscription_rel: 'belongs to subscriptions',
  pg_statistic: 'estimates; the copy is analyzed',
  pg_statistic_ext_data: 'estimates; the copy is analyzed',
  pg_authid: 'roles belong to the server, and no restore touches them',
  pg_auth_members: 'roles belong to the server, and no restore touches them',
  pg_parameter_acl: 'privileges on parameters belong to the server, and no restore touches them',
  pg_tablespace: 'tablespaces belong to the server, and no restore touches them',
  pg_replication_origin: 'origins belong to the server, and no restore touches them',
  pg_shdepend: 'follows from owners and privileges, which are compared',
  pg_shdescription: 'the comment of a copy is its mark; the swap gives it the comment of the target',
  pg_shseclabel: 'a label on the database itself: preflight refuses a database that has one',
};
