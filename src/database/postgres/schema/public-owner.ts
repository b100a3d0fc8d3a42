import { z } from 'zod';
import { literal } from '../../sql-text.ts';
import type { PostgresServer, SqlSession } from '../server/server.ts';

const standing = z.object({ mayGive: z.boolean(), isBootstrap: z.boolean() });

/**
 * The role to which a dump gives the schema `public` although only a superuser could, so that a restored copy leaves it
 * out; null when there is none. Until 14 initdb gave `public` to the superuser, and pg_upgrade keeps it so; from 15 on
 * it belongs to `pg_database_owner`, and only then does pg_dump say who else owns it.
 * `from` is the schema text of the dump and the major version of the server that it was made on.
 */
export async function unreachablePublicOwner(
  server: PostgresServer,
  admin: SqlSession,
  from: { readonly schemaText: string; readonly serverMajor: number },
): Promise<string | null> {
  if (server.version.major < 15) return null;
  const owner = publicPiece.exec(from.schemaText)?.groups?.owner;
  if (owner === undefined || owner === 'pg_database_owner') return null;
  const [row] = await admin.query(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_roles
         WHERE rolname = ${literal(owner)} AND pg_catalog.pg_has_role(oid, 'MEMBER')) AS "mayGive",
       EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal(owner)} AND oid = 10) AS "isBootstrap"`,
    standing,
  );
  if (row === undefined || row.mayGive) return null;
  return row.isBootstrap || from.serverMajor < 15 ? owner : null;
}

/** A schema text without the piece that gives `public` to its owner. */
export function withoutPublicOwner(schemaText: string): string {
  return schemaText.replace(publicPiece, '');
}

/** Whether a line of an archive's table of contents is that piece. */
export const isPublicSchemaEntry = (line: string): boolean => /^\d+; \d+ \d+ SCHEMA - public /.test(line);

const publicPiece =
  /^--\n-- Name: public; Type: SCHEMA; Schema: -; Owner: (?<owner>.*)\n--\n(?:(?!--\n-- Name: )[^\n]*\n)*/m;
