import { beforeAll, describe, expect, it } from 'vitest';
import { connectServer } from '../../../src/database/postgres/connect/connect.ts';
import { inspect } from '../../../src/database/postgres/inspect/inspect.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { PostgresCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';

let postgres: PostgresCluster;

beforeAll(async () => {
  postgres = await sharedPostgres();
});

interface Missing {
  readonly code: string;
  /** Run by the superuser, in the target. `other` is an ordinary role that exists already. */
  readonly takenAway: (names: {
    readonly database: string;
    readonly user: string;
    readonly other: string;
  }) => string;
  /** What the hint must not do, beside making the role mighty. */
  readonly never?: RegExp;
}

const missing: Readonly<Record<string, Missing>> = {
  'to create databases': {
    code: 'SM_NO_CREATEDB',
    takenAway: ({ user }) => `ALTER ROLE "${user}" NOCREATEDB;`,
  },
  'to rename a database that the superuser owns': {
    code: 'SM_NOT_OWNER',
    takenAway: ({ database, user }) =>
      `ALTER DATABASE "${database}" OWNER TO postgres; GRANT ALL ON DATABASE "${database}" TO "${user}";`,
    never: /GRANT/,
  },
  'to rename a database that another application owns': {
    code: 'SM_NOT_OWNER',
    takenAway: ({ database, other }) => `ALTER DATABASE "${database}" OWNER TO "${other}";`,
  },
  'to rename a database of a role that may create roles': {
    code: 'SM_NOT_OWNER',
    takenAway: ({ database, other }) =>
      `ALTER ROLE "${other}" CREATEROLE; ALTER DATABASE "${database}" OWNER TO "${other}";`,
    never: /GRANT/,
  },
  'to rename a database of a member of a role that reads the server’s files': {
    code: 'SM_NOT_OWNER',
    takenAway: ({ database, other }) =>
      `GRANT pg_read_server_files TO "${other}"; ALTER DATABASE "${database}" OWNER TO "${other}";`,
    never: /GRANT/,
  },
  'to own what the superuser owns': {
    code: 'SM_FOREIGN_OWNER',
    takenAway: ({
      user,
    }) => `CREATE TABLE theirs (id serial, at int GENERATED ALWAYS AS IDENTITY); CREATE SEQUENCE alone; CREATE VIEW seen AS SELECT 1;
       CREATE MATERIALIZED VIEW kept AS SELECT 1; CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
       CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
       CREATE TYPE mood AS ENUM ('a'); CREATE TYPE pair AS (a int, b int); CREATE DOMAIN short AS text; CREATE SCHEMA "Odd one";
       CREATE TABLE "Odd one"."Table" (id int, b int); CREATE STATISTICS "Odd one".s ON id, b FROM "Odd one"."Table";
       CREATE COLLATION german (provider = icu, locale = 'de'); SELECT lo_create(4711);
       CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple); CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
       GRANT USAGE ON SCHEMA "Odd one" TO "${user}"; GRANT SELECT ON ALL TABLES IN SCHEMA public, "Odd one" TO "${user}";
       GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO "${user}"; GRANT SELECT ON LARGE OBJECT 4711 TO "${user}";`,
    never: /GRANT|DROP|REASSIGN/,
  },
  'to own a partitioned table of the superuser, and a partition of its own table': {
    code: 'SM_FOREIGN_OWNER',
    takenAway: ({ user }) =>
      `CREATE TABLE theirs (k int) PARTITION BY LIST (k); CREATE TABLE leaf PARTITION OF theirs FOR VALUES IN (1);
       CREATE TABLE ours (k int) PARTITION BY LIST (k); ALTER TABLE ours OWNER TO "${user}"; CREATE TABLE made PARTITION OF ours DEFAULT;
       GRANT SELECT ON ALL TABLES IN SCHEMA public TO "${user}";`,
    never: /GRANT/,
  },
  'to own what a member of the role owns': {
    code: 'SM_FOREIGN_OWNER',
    takenAway: ({ user, other }) =>
      `GRANT "${user}" TO "${other}"; CREATE TABLE theirs (id int); ALTER TABLE theirs OWNER TO "${other}"; GRANT SELECT ON theirs TO "${user}";`,
    never: /GRANT/,
  },
  'to rename a database of a member of the role': {
    code: 'SM_NOT_OWNER',
    takenAway: ({ database, user, other }) =>
      `GRANT "${user}" TO "${other}"; ALTER DATABASE "${database}" OWNER TO "${other}";`,
    never: /GRANT/,
  },
  'to own what another application owns': {
    code: 'SM_FOREIGN_OWNER',
    takenAway: ({ user, other }) =>
      `CREATE TABLE theirs (id int); ALTER TABLE theirs OWNER TO "${other}"; GRANT SELECT ON theirs TO "${user}";`,
  },
  'to own an extension of another application': {
    code: 'SM_EXTENSION_OWNER',
    takenAway: ({ database, other }) =>
      `GRANT CREATE ON DATABASE "${database}" TO "${other}"; SET ROLE "${other}"; CREATE EXTENSION hstore SCHEMA pg_catalog;`,
  },
  'to own an extension of an administrator': {
    code: 'SM_EXTENSION_OWNER',
    takenAway: ({ database, other }) =>
      `ALTER ROLE "${other}" CREATEROLE; GRANT CREATE ON DATABASE "${database}" TO "${other}"; SET ROLE "${other}"; CREATE EXTENSION hstore SCHEMA pg_catalog;`,
  },
};

describe('a hint about a right that is missing', () => {
  it.each(Object.entries(missing))(
    '%s is followed to the letter: the way is open, and the role is no mightier',
    async (_, { code, takenAway, never }) => {
      const { database, user, url } = await postgres.createOwnedDatabase('hinted');
      const other = `${database}_other`;
      await postgres.createRole(other, { attributes: '' });
      await postgres.psql(database, takenAway({ database, user, other }));

      const followed: string[] = [];
      for (let round = 0; round < 4; round += 1) {
        const obstacle = (await inspected(url)).find((each) => each.code === code);
        if (obstacle === undefined) break;
        const statements = obstacle.hint.match(/\b(?:ALTER|GRANT|DROP|CREATE|REASSIGN)\b[^;…]*;/g) ?? [];
        expect(statements, obstacle.hint).not.toEqual([]);
        followed.push(...statements);
        for (const statement of statements) await postgres.psql(database, statement);
      }
      expect(followed).not.toEqual([]);
      expect(
        (await inspected(url)).map((each) => each.code),
        followed.join('\n'),
      ).toEqual([]);
      expect(followed.join('\n')).not.toMatch(never ?? /superuser/i);
      // By PostgreSQL's own word, attribute by attribute.
      expect(
        await postgres.psql(
          database,
          `SELECT r.rolname FROM pg_roles r WHERE pg_has_role('${user}', r.oid, 'MEMBER')
            AND (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls OR r.rolname IN ('pg_read_server_files', 'pg_read_all_data'))`,
        ),
      ).toBe('');
    },
  );
});

async function inspected(url: string) {
  const parsed = parsePostgresUrl(url);
  if (parsed.target === null) throw new Error(JSON.stringify(parsed.problems));
  await using server = await connectServer(parsed.target);
  const session = await server.connect(parsed.target.address.database);
  try {
    return (await inspect(session, server.version)).obstacles;
  } finally {
    await session[Symbol.asyncDispose]();
  }
}
