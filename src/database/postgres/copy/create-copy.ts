import { z } from 'zod';
import { SafeMigrateError } from '../../../system/errors.ts';
import type { DatabaseProperties, ServerVersion } from '../../database.ts';
import { identifier, literal } from '../../sql-text.ts';
import type { SqlSession } from '../server/server.ts';
import { isPrivileged } from '../session/privileged-role.ts';
import { SqlError } from '../session/sql-errors.ts';
import { type CopyMark, copyMark } from './copy-mark.ts';
import { copyName } from './copy-name.ts';
import { openPrivately } from './private-database.ts';

const oidRow = z.object({ oid: z.number() });
const membershipRow = z.object({ mayActAsOwner: z.boolean(), isPrivileged: z.boolean() });
const tablespaceRow = z.object({ tablespace: z.string() });

/**
 * Creates an empty database `copyName(mark.target, mark.kind, mark.run)` that is like the target where only CREATE
 * DATABASE can make it so (encoding, locale, provider, tablespace, and the owner, who owns the schema public by
 * that from 15 on), marks it as ours at once, and opens it to this role alone. `admin` is a session in any other database.
 * Rejects with SM_RESTORE_FAILED or SM_PROPERTY; then there is no such database of ours.
 */
export async function createCopy(
  admin: SqlSession,
  version: ServerVersion,
  mark: CopyMark,
  properties: DatabaseProperties,
): Promise<{ readonly name: string; readonly oid: number }> {
  const name = copyName(mark.target, mark.kind, mark.run);
  await checkOwner(admin, properties.owner);
  try {
    await admin.execute(await createStatement(admin, version, name, properties));
  } catch (cause) {
    throw await creationFailed(admin, name, cause);
  }
  try {
    await admin.execute(`COMMENT ON DATABASE ${identifier(name)} IS ${literal(copyMark(mark))}`);
    const [row] = await admin.query(
      `SELECT oid::bigint AS "oid" FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
      oidRow,
    );
    if (row === undefined) throw new TypeError('the database that was just created is not there');
    await openPrivately(admin, name, properties.owner);
    return { name, oid: row.oid };
  } catch (cause) {
    // Without its mark nobody could tell later that it is ours; we made it a moment ago and it is empty.
    await admin.execute(`DROP DATABASE ${identifier(name)}`);
    throw await creationFailed(admin, name, cause);
  }
}

/** A role that could give a database away and not act for its new owner could not drop it again. */
async function checkOwner(admin: SqlSession, owner: string): Promise<void> {
  const [row] = await admin.query(
    `SELECT pg_catalog.pg_has_role(o.oid, 'USAGE') AS "mayActAsOwner", ${isPrivileged('o.oid')} AS "isPrivileged"
       FROM pg_catalog.pg_roles o WHERE o.rolname = ${literal(owner)}`,
    membershipRow,
  );
  if (row?.mayActAsOwner === true) return;
  throw new SafeMigrateError({
    code: 'SM_PROPERTY',
    message: `the owner ${owner} cannot be carried over: the role of database-url ${row === undefined ? 'cannot find it' : 'has not its rights'}`,
    hint:
      row === undefined
        ? `Let the server's administrator create the role that the backup's database belonged to: CREATE ROLE ${identifier(owner)}; and make the role of database-url a member of it.`
        : row.isPrivileged === false
          ? `Use ${owner} in the database URL, or let the server's administrator make the role a member: GRANT ${identifier(owner)} TO …;`
          : `Use ${owner} in the database URL for this one run. A database that belongs to its application (ALTER DATABASE … OWNER TO …) does not need it.`,
    docs: 'postgresql.md',
    phase: 'prove',
  });
}

async function createStatement(
  admin: SqlSession,
  version: ServerVersion,
  name: string,
  properties: DatabaseProperties,
): Promise<string> {
  const parts = [
    `CREATE DATABASE ${identifier(name)} OWNER ${identifier(properties.owner)} TEMPLATE template0 ALLOW_CONNECTIONS false`,
    `ENCODING ${literal(properties.encoding)}`,
    `LC_COLLATE ${literal(properties.collate)}`,
    `LC_CTYPE ${literal(properties.ctype)}`,
    ...localeProvider(version, properties),
  ];
  // Naming a tablespace asks for a privilege on it, even when it is the one that would be taken anyway.
  const [template] = await admin.query(
    `SELECT t.spcname AS "tablespace" FROM pg_catalog.pg_database d
       JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = 'template0'`,
    tablespaceRow,
  );
  if (template?.tablespace !== properties.tablespace)
    parts.push(`TABLESPACE ${identifier(properties.tablespace)}`);
  return parts.join(' ');
}

/** The provider came with 15 (ICU), its rules with 16, the builtin one with 17. */
function localeProvider(version: ServerVersion, properties: DatabaseProperties): string[] {
  if (version.major < 15) return [];
  const locale = properties.icuLocale === null ? [] : [literal(properties.icuLocale)];
  switch (properties.localeProvider) {
    case 'i':
      return [
        'LOCALE_PROVIDER icu',
        ...locale.map((text) => `ICU_LOCALE ${text}`),
        ...(properties.icuRules === null ? [] : [`ICU_RULES ${literal(properties.icuRules)}`]),
      ];
    case 'b':
      return ['LOCALE_PROVIDER builtin', ...locale.map((text) => `BUILTIN_LOCALE ${text}`)];
    default:
      return ['LOCALE_PROVIDER libc'];
  }
}

/** duplicate_database */
const nameTaken = '42P04';

async function creationFailed(admin: SqlSession, name: string, cause: unknown): Promise<unknown> {
  if (!(cause instanceof SqlError)) return cause;
  const [taken] =
    cause.sqlState === nameTaken
      ? await admin.query(
          `SELECT pg_catalog.pg_get_userbyid(datdba)::text AS "owner" FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
          z.object({ owner: z.string() }),
        )
      : [];
  return new SafeMigrateError({
    code: 'SM_RESTORE_FAILED',
    message: `the database ${name} could not be created: ${cause.primaryMessage}`,
    hint:
      taken === undefined
        ? 'The role of database-url needs CREATEDB, and the server room for one more copy of the database.'
        : `It belongs to ${taken.owner}, and this run has not made it. Run again, which takes another name; to remove it, as a superuser or as ${taken.owner}: DROP DATABASE ${identifier(name)};`,
    docs: 'postgresql.md',
    phase: 'prove',
    cause,
  });
}
