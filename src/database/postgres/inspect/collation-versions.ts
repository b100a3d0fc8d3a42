import { z } from 'zod';
import type { ServerVersion } from '../../database.ts';
import type { SqlSession } from '../server/server.ts';

const outdated = z.object({ name: z.string(), recorded: z.string(), actual: z.string() });

/**
 * Collations whose rules the server has changed since they were recorded, as warnings: the target's indexes were sorted
 * by the old ones and may miss rows. A restored copy's are built anew. Only what indexes or partitions sort by counts:
 * an upgrade of ICU outdates hundreds of collations that nobody uses. Changes nothing.
 */
export async function outdatedCollations(
  session: SqlSession,
  version: ServerVersion,
): Promise<readonly string[]> {
  const collations = await session.query(
    `select format('%I.%I', n.nspname, c.collname) as "name", c.collversion as "recorded", a.version as "actual"
       from pg_collation c join pg_namespace n on n.oid = c.collnamespace, pg_collation_actual_version(c.oid) as a(version)
      where c.collversion <> a.version
        and (exists (select from pg_index i where c.oid = any (i.indcollation::oid[]))
             or exists (select from pg_partitioned_table p where c.oid = any (p.partcollation::oid[])))
      order by 1`,
    outdated,
  );
  // Until 14 a database's own collation has no version.
  const own =
    version.major < 15
      ? []
      : await session.query(
          `select format('%I', d.datname) as "name", d.datcollversion as "recorded", a.version as "actual"
             from pg_database d, pg_database_collation_actual_version(d.oid) as a(version)
            where d.datname = current_database() and d.datcollversion <> a.version`,
          outdated,
        );
  return [
    ...own.map((each) =>
      warning(`database ${each.name}`, each, `ALTER DATABASE ${each.name} REFRESH COLLATION VERSION`),
    ),
    ...collations.map((each) =>
      warning(`collation ${each.name}`, each, `ALTER COLLATION ${each.name} REFRESH VERSION`),
    ),
  ];
}

function warning(object: string, { recorded, actual }: z.infer<typeof outdated>, refresh: string): string {
  return `${object} sorts by version ${recorded} of its rules, and the server has version ${actual}: indexes of the target may miss rows (REINDEX, then ${refresh}); those of a restored copy are built anew`;
}
