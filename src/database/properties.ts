/** What belongs to the database itself and is carried neither by a dump without -C nor by TEMPLATE. */
export interface DatabaseProperties {
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** `c`, `i` or `b` (pg_database.datlocprovider); `c` before PostgreSQL 15. */
  readonly localeProvider: string;
  readonly icuLocale: string | null;
  readonly icuRules: string | null;
  readonly tablespace: string;
  readonly connectionLimit: number;
  readonly comment: string | null;
  /** aclitems as text, sorted; null when the ACL is the default one. */
  readonly acl: readonly string[] | null;
  /** pg_db_role_setting rows of this database: role null is ALTER DATABASE SET. `name=value`. */
  readonly settings: readonly { readonly role: string | null; readonly config: readonly string[] }[];
}
