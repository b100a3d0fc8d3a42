import { z } from 'zod';
import { provenCopy } from './copy-mark.ts';
import type { CopyKind } from './copy-name.ts';
import type { SqlSession } from './server.ts';

export interface SizedDatabase {
  readonly name: string;
  readonly sizeBytes: number;
}

const databaseRow = z.object({ name: z.string(), sizeBytes: z.number(), comment: z.string() });

/** Databases on the server that name and mark prove to be copies of `target`, of the given kinds, newest first. */
export async function copiesOf(
  session: SqlSession,
  target: string,
  kinds: readonly CopyKind[],
): Promise<readonly SizedDatabase[]> {
  const rows = await session.query(
    // The server tells the size only to those who may connect; 0 where it does not.
    `SELECT d.datname::text AS "name", pg_catalog.shobj_description(d.oid, 'pg_database') AS "comment",
            -- The size is null when the run of another target drops its copy at this very moment.
            coalesce(CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
                            OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
                          THEN pg_catalog.pg_database_size(d.oid) END, 0) AS "sizeBytes"
       FROM pg_catalog.pg_database d
      WHERE pg_catalog.shobj_description(d.oid, 'pg_database') LIKE 'safe-migrate {%'
      ORDER BY d.datname`,
    databaseRow,
  );
  const copies = rows.flatMap(({ name, sizeBytes, comment }) => {
    const mark = provenCopy(target, name, comment);
    return mark !== null && kinds.includes(mark.kind) ? [{ name, sizeBytes, run: mark.run }] : [];
  });
  // Runs are named so that they sort by their start.
  return copies
    .toSorted((a, b) => (a.run < b.run ? 1 : -1))
    .map(({ name, sizeBytes }) => ({ name, sizeBytes }));
}
