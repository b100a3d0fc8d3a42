import { z } from 'zod';
import type { ForeignDatabase } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { isTrustedOwner } from '../session/trusted-owner.ts';
import { type CopyMark, markLimitBytes, provenCopy } from './copy-mark.ts';
import { type CopyKind, coordinationName, copyKinds } from './copy-name.ts';

interface SizedDatabase {
  readonly name: string;
  readonly sizeBytes: number;
}

const databaseRow = z.object({
  name: z.string(),
  oid: z.number(),
  owner: z.string(),
  isTrusted: z.boolean(),
  sizeBytes: z.number(),
  comment: z.string(),
  targetOid: z.number().nullable(),
});

type Marked = z.infer<typeof databaseRow> & { readonly mark: CopyMark };

/**
 * Databases on the server that name, mark and owner prove to be copies of `target`, of the given kinds. Kept failed
 * ones newest first, by the server's own facts: ids of runs carry the clocks of their machines. The one whose place the
 * target of today took is the first of all.
 */
export async function copiesOf(
  session: SqlSession,
  target: string,
  kinds: readonly CopyKind[],
): Promise<readonly SizedDatabase[]> {
  const marked = await markedDatabases(session, target, kinds);
  const copies = newestFirst(marked.filter(({ isTrusted }) => isTrusted));
  return copies.map(({ name, sizeBytes }) => ({ name, sizeBytes }));
}

/** Databases whose name and comment say that they are ours, and whose owner says that they are not. */
export async function foreignDatabases(
  session: SqlSession,
  target: string,
): Promise<readonly ForeignDatabase[]> {
  const marked = await markedDatabases(session, target, copyKinds);
  const [coordination] = await session.query(
    `SELECT d.datname::text AS "name", pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner"
       FROM pg_catalog.pg_database d
      WHERE d.datname = ${literal(coordinationName(target))} AND NOT ${isTrustedOwner('d.datdba', target)}`,
    z.object({ name: z.string(), owner: z.string() }),
  );
  const found = [
    ...(coordination === undefined ? [] : [coordination]),
    ...marked.filter(({ isTrusted }) => !isTrusted),
  ];
  return found.map(({ name, owner }) => ({ name, owner, removal: `DROP DATABASE ${identifier(name)};` }));
}

async function markedDatabases(
  session: SqlSession,
  target: string,
  kinds: readonly CopyKind[],
): Promise<readonly Marked[]> {
  const rows = await session.query(
    // MATERIALIZED, and the length before the text: whoever may create a database can write a comment of any size on it.
    `WITH marked AS MATERIALIZED (
       SELECT d.oid, d.datname, d.datdba, s.description AS comment
         FROM pg_catalog.pg_database d JOIN pg_catalog.pg_shdescription s
           ON s.objoid = d.oid AND s.classoid = 'pg_catalog.pg_database'::regclass
        WHERE pg_catalog.octet_length(s.description) <= ${markLimitBytes} AND s.description LIKE 'safe-migrate {%')
     SELECT d.datname::text AS "name", d.oid::bigint AS "oid", d.comment AS "comment",
            pg_catalog.pg_get_userbyid(d.datdba)::text AS "owner",
            ${isTrustedOwner('d.datdba', target)} AS "isTrusted",
            (SELECT t.oid::bigint FROM pg_catalog.pg_database t WHERE t.datname = ${literal(target)}) AS "targetOid",
            -- The server tells the size only to those who may connect; 0 where it does not.
            -- The size is null when the run of another target drops its copy at this very moment.
            coalesce(CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                            OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
                          THEN pg_catalog.pg_database_size(d.oid) END, 0) AS "sizeBytes"
       FROM marked d ORDER BY d.datname`,
    databaseRow,
  );
  return rows.flatMap((row) => {
    const mark = provenCopy(target, row.name, row.comment);
    return mark !== null && kinds.includes(mark.kind) ? [{ ...row, mark }] : [];
  });
}

/**
 * The time that the swap wrote where there is one; those that earlier versions marked have none, and stand among the
 * others by OID: a server gives out ever higher ones, and each recovery replaces the target by a younger database.
 */
function newestFirst(copies: readonly Marked[]): readonly Marked[] {
  const isLast = ({ mark, targetOid }: Marked): boolean =>
    targetOid !== null && mark.replacedBy === targetOid;
  const timed = copies
    .filter(({ mark }) => mark.at !== undefined)
    .toSorted((a, b) => Date.parse(b.mark.at ?? '') - Date.parse(a.mark.at ?? '') || b.oid - a.oid);
  const untimed = copies.filter(({ mark }) => mark.at === undefined).toSorted((a, b) => b.oid - a.oid);
  const merged: Marked[] = [];
  for (const copy of timed) {
    while ((untimed[0]?.oid ?? 0) > copy.oid) merged.push(...untimed.splice(0, 1));
    merged.push(copy);
  }
  return [...merged, ...untimed].toSorted((a, b) => Number(isLast(b)) - Number(isLast(a)));
}
