/**
 * One question of the oracle: SQL that answers with `name` and `fact` (json) for everything of one sort. Written from
 * PostgreSQL's documentation of the system catalogs; nothing of the product is in it, so that both cannot overlook the same.
 */
export interface Question {
  /** First word of the names, e.g. `index`. */
  readonly sort: string;
  readonly sql: string;
  readonly from?: number;
}

/** Who may do what, with the defaults spelled out: an explicit default and none are the same. */
export function acl(column: string, letter: string, owner: string): string {
  return `(SELECT json_agg(x.line ORDER BY x.line) FROM (SELECT concat_ws(' ', e.grantor::regrole, coalesce(nullif(e.grantee, 0)::regrole::text, 'PUBLIC'), e.privilege_type, e.is_grantable) AS line
    FROM aclexplode(${letter === '' ? column : `coalesce(${column}, acldefault('${letter}', ${owner}))`}) e) x)`;
}

/** An array of texts whose order means nothing. */
export function sorted(column: string): string {
  return `(SELECT json_agg(x ORDER BY x) FROM unnest(${column}) x)`;
}

/** Made in this database, by a person or an extension; PostgreSQL's own objects have smaller numbers. */
export const isMade = (row: string): string => `${row}.oid >= 16384`;
