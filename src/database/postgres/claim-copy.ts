import { z } from 'zod';
import { SafeMigrateError } from '../../system/errors.ts';
import { type CopyMark, copyMark } from './copy-mark.ts';
import { copyName } from './copy-name.ts';
import type { PostgresServer, SqlSession } from './server.ts';
import { identifier, literal } from './sql-text.ts';

/**
 * CREATE DATABASE and the mark on it are two statements, and a run can die between them. Marks the copy that such a run
 * left: it bears the name that nobody else gives, the role may act for its owner, nobody has commented on it, and it
 * is empty. Anything else stays as it is. `admin` is a session in another database.
 */
export async function claimCopy(server: PostgresServer, admin: SqlSession, mark: CopyMark): Promise<void> {
  const name = copyName(mark.target, mark.kind, mark.run);
  const [found] = await admin.query(
    `SELECT pg_catalog.pg_has_role(datdba, 'USAGE') AS "isOwner", datallowconn AS "isOpen",
            pg_catalog.shobj_description(oid, 'pg_database') AS "comment"
       FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
    z.object({ isOwner: z.boolean(), isOpen: z.boolean(), comment: z.string().nullable() }),
  );
  if (found === undefined || !found.isOwner || !found.isOpen || found.comment !== null) return;
  if (!(await isEmpty(server, name))) return;
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
