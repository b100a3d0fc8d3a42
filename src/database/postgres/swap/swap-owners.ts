import type { SwapPlan } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import { coordinationName } from '../copy/copy-name.ts';
import { isTrustedOwner, type TargetPlace } from '../session/trusted-owner.ts';

/**
 * PL/pgSQL: a backup may be older than the target's owner. With the target goes the coordination database, in which
 * otherwise nobody would believe anything any more.
 */
export function followOwner(target: string, { targetOid, fallback, properties }: SwapPlan): string {
  if (properties.owner === undefined) return '';
  const coordination = coordinationName(target);
  return `IF EXISTS (SELECT FROM pg_catalog.pg_database c, pg_catalog.pg_database t, pg_catalog.pg_database f
                      WHERE c.datname = ${literal(coordination)} AND t.oid = ${targetOid} AND f.oid = ${fallback.oid}
                        AND c.datdba = t.datdba AND f.datdba <> t.datdba) THEN
        ALTER DATABASE ${identifier(coordination)} OWNER TO ${identifier(properties.owner)};
      END IF;`;
}

/**
 * SQL: whether the fallback belongs to whom this run gave it, or else to somebody who could do to the target himself what the
 * swap does: a journal is a comment, which says only what its writer wants.
 */
export function isFallbackOurs(
  { fallback, properties }: Pick<SwapPlan, 'fallback' | 'properties'>,
  target: TargetPlace,
): string {
  const given =
    properties.owner === undefined
      ? isTrustedOwner('fallback.datdba', target)
      : `pg_catalog.pg_get_userbyid(fallback.datdba) = ${literal(properties.owner)}`;
  return `EXISTS (SELECT FROM pg_catalog.pg_database fallback WHERE fallback.oid = ${fallback.oid} AND ${given})`;
}
