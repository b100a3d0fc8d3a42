import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { ServerVersion, TargetFacts } from '../../database.ts';
import { readProperties } from '../copy/properties.ts';
import { isNoMember, isUserSchema } from '../fingerprint/table-content.ts';
import { serverTime } from '../lock/journal-comment.ts';
import type { SqlSession } from '../server/server.ts';
import type { TargetRole } from '../session/target-role.ts';
import { outdatedCollations } from './collation-versions.ts';
import { readConnectionRoom } from './connection-room.ts';
import { outsideReach } from './outside-reach.ts';
import { readingObstacles } from './reading-obstacles.ts';
import { restoreObstacles } from './restore-obstacles.ts';
import { swapObstacles } from './swap-obstacles.ts';

const factsRow = z.object({
  oid: z.number().int(),
  sizeBytes: z.number().int(),
  tableCount: z.number().int(),
  role: z.string(),
  isSuperuser: z.boolean(),
  mayCreateDatabases: z.boolean(),
});

/**
 * Reads what preflight wants to know about the database that `session` is in. Changes nothing, locks nothing.
 * Tables are counted as the fingerprint reads them: partitions count, their parents hold nothing.
 */
export async function inspect(session: SqlSession, version: ServerVersion): Promise<TargetFacts> {
  const [facts] = await session.query(
    `select d.oid::bigint as "oid",
            pg_database_size(d.oid) as "sizeBytes",
            (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where c.relkind = 'r' and c.relpersistence <> 't'
                and ${isUserSchema('n')} and ${isNoMember('pg_class', 'c')}) as "tableCount",
            r.rolname::text as "role",
            r.rolsuper as "isSuperuser",
            r.rolcreatedb or r.rolsuper as "mayCreateDatabases"
       from pg_database d, pg_roles r
      where d.datname = current_database() and r.rolname = current_user`,
    factsRow,
  );
  if (facts === undefined) {
    throw new SafeMigrateError({
      code: 'SM_NO_DATABASE',
      message: `The server has no database ${session.database} any more.`,
      hint: 'Somebody renamed or dropped it during the run, or the role of the database URL is gone.',
      docs: 'postgresql.md',
    });
  }
  const role: TargetRole = {
    name: facts.role,
    isSuperuser: facts.isSuperuser,
    mayCreateDatabases: facts.mayCreateDatabases,
  };
  return {
    oid: facts.oid,
    sizeBytes: facts.sizeBytes,
    tableCount: facts.tableCount,
    mayCreateDatabases: facts.mayCreateDatabases,
    obstacles: [
      ...(await readingObstacles(session, role)),
      ...(await swapObstacles(session, role, version)),
      ...(await restoreObstacles(session, role, version)),
    ],
    connections: await readConnectionRoom(session),
    serverTime: await serverTime(session),
    warnings: [...(await outsideReach(session)), ...(await outdatedCollations(session, version))],
    properties: await readProperties(session, session.database),
  };
}
