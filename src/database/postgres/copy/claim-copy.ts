import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import { identifier, literal } from '../../sql-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';
import { isTrustedOwner } from '../session/trusted-owner.ts';
import { closeDatabase } from './close-database.ts';
import { type CopyMark, copyMark } from './copy-mark.ts';
import { copyName } from './copy-name.ts';
import { openPrivately } from './private-database.ts';

/**
 * CREATE DATABASE and the mark on it are two statements, and a run can die between them. Marks the copy that such a run
 * left: it bears the name that nobody else gives, belongs to whom runs give it, nobody has commented on it, and it
 * is empty. Anything else stays as it is. `admin` is a session in another database.
 */
export async function claimCopy(server: PostgresServer, admin: SqlSession, mark: CopyMark): Promise<void> {
  const name = copyName(mark.target, mark.kind, mark.run);
  const [found] = await admin.query(
    `SELECT pg_catalog.pg_has_role(datdba, 'USAGE') AND ${isTrustedOwner('datdba', mark.target)} AS "isOurs",
            datallowconn AS "isOpen", pg_catalog.pg_get_userbyid(datdba)::text AS "owner",
            pg_catalog.shobj_description(oid, 'pg_database') AS "comment"
       FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
    z.object({
      isOurs: z.boolean(),
      isOpen: z.boolean(),
      owner: z.string(),
      comment: z.string().nullable(),
    }),
  );
  if (found === undefined || !found.isOurs || found.comment !== null) return;
  // A run creates it closed, and opens it once it is marked.
  if (!found.isOpen) await openPrivately(admin, name, found.owner);
  if (!(await isEmpty(server, name))) {
    if (!found.isOpen) await closeDatabase(admin, name);
    return;
  }
  await admin.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(copyMark(mark))}`);
}

async function isEmpty(server: PostgresServer, name: string): Promise<boolean> {
  try {
    await using session = await server.connect(name);
    const [content] = await session.query(
      `SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_type WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE oid >= 16384)
           OR EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) AS "isUsed"`,
      z.object({ isUsed: z.boolean() }),
    );
    return content?.isUsed === false;
  } catch (error) {
    // Who cannot look into it claims nothing.
    if (!(error instanceof SafeMigrateError)) throw error;
    return false;
  }
}
