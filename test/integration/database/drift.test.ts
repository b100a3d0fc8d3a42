import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScratchServer, readCompared } from '../../../src/database/postgres/drift/scratch-server.ts';
import { parsePostgresUrl } from '../../../src/database/postgres/server/url.ts';
import type { DriftReport } from '../../../src/report/check-report.ts';
import { type PostgresCluster, startPostgres, type ThrowawayCluster } from '../../support/postgres.ts';
import { sharedPostgres } from '../../support/shared-servers.ts';
import { serverOf } from './proving.ts';

let shared: PostgresCluster;
let other: ThrowawayCluster;
const makeRole = (cluster: PostgresCluster, role: string) =>
  cluster.psql(
    'postgres',
    `DO $$ BEGIN CREATE ROLE ${role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
  );
beforeAll(async () => {
  shared = await sharedPostgres();
  other = await startPostgres();
  await makeRole(shared, 'drift_unknown');
  for (const cluster of [shared, other]) await makeRole(cluster, 'drift_reader');
});
afterAll(() => other?.[Symbol.asyncDispose]());

interface Found {
  readonly before: DriftReport;
  /** After the SQL of `before` was run in the target. */
  readonly after: DriftReport;
}

/** What `migrations` made and then `byHand` changed, compared; and again after the SQL of the report. */
async function compare(
  migrations: string,
  byHand: string,
  options: {
    readonly prismaScript?: string;
    /** Run by the superuser after `byHand`. */
    readonly bySuperuser?: string;
    /** Whether the scratch server lets us in as an ordinary role, who may not make every extension. */
    readonly asOrdinaryRole?: boolean;
    /** Another server, which is then both. */
    readonly on?: PostgresCluster;
  } = {},
): Promise<Found> {
  const [cluster, shadow] = options.on === undefined ? [shared, other] : [options.on, options.on];
  const target = await cluster.createOwnedDatabase('drifted');
  const as = { user: target.user, password: target.password };
  await cluster.psql(target.database, migrations, as);
  await cluster.psql(target.database, byHand, as);
  if (options.bySuperuser !== undefined) await cluster.psql(target.database, options.bySuperuser);
  const home = await shadow.createOwnedDatabase('shadow');
  const { target: address } = parsePostgresUrl(
    options.asOrdinaryRole === true ? home.url : shadow.url({ database: home.database }),
    { directory: '.' },
  );
  if (address === null) throw new Error('no address');
  await using scratch = await openScratchServer(
    address,
    { container: null, clientImage: null, directory: '.' },
    home.database.slice(-8),
    (line) => {
      throw new Error(line);
    },
  );
  const expected = await scratch.create('public');
  await shadow.psql(expected.name, migrations, options.asOrdinaryRole === true ? home : {});
  const { signal } = new AbortController();
  const report = async (prismaScript: string) => {
    await using server = await serverOf(cluster.url({ database: target.database }));
    const actual = await readCompared(server, target.database, signal);
    return await scratch.compare({ actual, expected, schema: 'public', prismaScript }, signal);
  };
  const before = await report(options.prismaScript ?? '');
  await cluster.psql(target.database, before.reconcileSql, as);
  return { before, after: await report('') };
}

const base = `CREATE TABLE "User" ("id" SERIAL PRIMARY KEY, "name" TEXT, "age" INTEGER DEFAULT 7, "kind" TEXT NOT NULL);
COMMENT ON TABLE "User" IS 'people';
CREATE INDEX "User_name" ON "User" ("name");
CREATE TABLE "Order" ("id" INTEGER PRIMARY KEY, "userId" INTEGER REFERENCES "User" ("id"));
CREATE VIEW "names" AS SELECT "id", "name", "age" FROM "User";
CREATE VIEW "old_names" AS SELECT "name" FROM "names" WHERE "age" > 40;
COMMENT ON VIEW "old_names" IS 'over 40';
GRANT SELECT ON "names", "old_names" TO drift_reader;
CREATE MATERIALIZED VIEW "counts" AS SELECT count(*) AS n FROM "names";
CREATE UNIQUE INDEX "counts_n" ON "counts" (n);
CREATE FUNCTION "initial"(t TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS 'SELECT left(t, 1)';
CREATE INDEX "User_initial" ON "User" ("initial"("name"));
CREATE FUNCTION "touch"() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN
  -- ALTER TABLE x OWNER TO y;
ALTER TABLE x OWNER TO y;
RETURN NEW; END$f$;
CREATE TRIGGER "touch_user" BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION "touch"();
ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "adults" ON "User" USING ("age" > 17);
CREATE SEQUENCE "numbers" INCREMENT 2;
CREATE TYPE "mood" AS ENUM ('sad', 'ok');
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO drift_reader;
`;

describe('the SQL that takes drift back leaves no difference, whatever depends on what:', () => {
  it.each<readonly [what: string, byHand: string]>([
    [
      'a table made by hand with serial, index, grant, comment, trigger, policy and a view on it',
      `CREATE TABLE "Hand" ("id" SERIAL PRIMARY KEY, "user" INTEGER REFERENCES "User" ("id"));
       CREATE INDEX "Hand_user" ON "Hand" ("user"); GRANT SELECT ON "Hand" TO drift_reader;
       COMMENT ON TABLE "Hand" IS 'by hand'; COMMENT ON COLUMN "Hand"."user" IS 'whose';
       CREATE TRIGGER "touch_hand" BEFORE UPDATE ON "Hand" FOR EACH ROW EXECUTE FUNCTION "touch"();
       ALTER TABLE "Hand" ENABLE ROW LEVEL SECURITY; CREATE POLICY "all" ON "Hand" USING (true);
       CREATE VIEW "hands" AS SELECT * FROM "Hand"; CREATE VIEW "hands_2" AS SELECT * FROM "hands";`,
    ],
    [
      'a view with other columns, on which views, a materialized view and grants depend',
      `DROP MATERIALIZED VIEW "counts"; DROP VIEW "old_names", "names";
       CREATE VIEW "names" AS SELECT "name", "id", "age", "kind" FROM "User";
       CREATE VIEW "old_names" AS SELECT "name" FROM "names" WHERE "age" > 40;
       CREATE MATERIALIZED VIEW "counts" AS SELECT count(*) AS n FROM "names";`,
    ],
    ['a view that was dropped with everything that depends on it', 'DROP VIEW "names" CASCADE;'],
    [
      'a column of another type under views and a policy',
      'DROP POLICY "adults" ON "User"; DROP VIEW "names" CASCADE; ALTER TABLE "User" ALTER "age" TYPE BIGINT; CREATE VIEW "names" AS SELECT "id", "name", "age" FROM "User"; CREATE POLICY "adults" ON "User" USING ("age" > 17);',
    ],
    [
      'a column that was dropped, and comes back as the last one',
      'ALTER TABLE "User" DROP COLUMN "age" CASCADE;',
    ],
    [
      'defaults, requirements and columns',
      'ALTER TABLE "User" ALTER "kind" DROP NOT NULL, ALTER "age" SET DEFAULT 8, ALTER "name" SET NOT NULL, ADD COLUMN "more" INTEGER; ALTER TABLE "Order" ALTER "userId" SET DEFAULT 1;',
    ],
    [
      'a function with another result, which an index and a view use',
      'DROP INDEX "User_initial"; DROP FUNCTION "initial"; CREATE FUNCTION "initial"(t TEXT) RETURNS INTEGER LANGUAGE sql IMMUTABLE AS \'SELECT 1\'; CREATE INDEX "User_initial" ON "User" ("initial"("name")); CREATE VIEW "initials" AS SELECT "initial"("name") FROM "User";',
    ],
    [
      'a trigger’s function that only differs in a line about an owner',
      `CREATE OR REPLACE FUNCTION "touch"() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN
  -- ALTER TABLE x OWNER TO y;
ALTER TABLE x OWNER TO z;
RETURN NEW; END$f$;`,
    ],
    [
      'a default that does not fit the type',
      `ALTER TABLE "User" ALTER "kind" SET DEFAULT 'none', ALTER "age" DROP DEFAULT; ALTER TABLE "Order" ADD COLUMN "x" INTEGER;
       DROP POLICY "adults" ON "User"; DROP VIEW "names" CASCADE; ALTER TABLE "User" ALTER "age" TYPE BOOLEAN USING true, ALTER "age" SET DEFAULT true;`,
    ],
    ['a sequence with another step', 'ALTER SEQUENCE "numbers" INCREMENT 5;'],
    [
      'a primary key that foreign keys need',
      'ALTER TABLE "User" DROP CONSTRAINT "User_pkey" CASCADE; ALTER TABLE "User" ADD CONSTRAINT "User_pkey" PRIMARY KEY ("id", "kind");',
    ],
    [
      'row security, forced',
      'ALTER TABLE "Order" ENABLE ROW LEVEL SECURITY; ALTER TABLE "User" FORCE ROW LEVEL SECURITY;',
    ],
    [
      'grants of the owner, and default privileges',
      `REVOKE DELETE ON "Order" FROM CURRENT_USER; REVOKE INSERT ON "Order" FROM drift_reader; GRANT UPDATE ON "Order" TO drift_reader; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO drift_reader; ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO drift_reader;`,
    ],
    [
      'a schema with tables and an extension in it',
      'CREATE SCHEMA "Aside"; CREATE EXTENSION citext SCHEMA "Aside"; CREATE TABLE "Aside"."t" ("c" "Aside".citext); CREATE TYPE "Aside"."pair" AS (a int, b int); CREATE TABLE "Aside"."u" ("p" "Aside"."pair");',
    ],
    [
      'a rule, an aggregate, statistics and a domain',
      `CREATE RULE "quiet" AS ON DELETE TO "Order" DO INSTEAD NOTHING; CREATE AGGREGATE "total"(integer) (SFUNC = int4pl, STYPE = integer); CREATE STATISTICS "stats" ON "id", "name" FROM "User"; CREATE DOMAIN "short" AS TEXT CHECK (length(VALUE) < 9);`,
    ],
    [
      'an identity and a generated column made by hand',
      'ALTER TABLE "Order" ALTER "id" ADD GENERATED BY DEFAULT AS IDENTITY; ALTER TABLE "Order" ADD COLUMN "twice" INTEGER GENERATED ALWAYS AS ("id" * 2) STORED;',
    ],
    [
      'constraints',
      `ALTER TABLE "User" ADD CONSTRAINT "named" CHECK ("name" IN ('a', 'b')); ALTER TABLE "Order" ADD CONSTRAINT "positive" CHECK ("id" > 0) NOT VALID; ALTER TABLE "Order" ADD CONSTRAINT "one" UNIQUE ("userId");`,
    ],
  ])('%s', async (_, byHand) => {
    const { before, after } = await compare(base, byHand);
    expect(before.differences).not.toEqual([]);
    expect(before.byHand, before.reconcileSql).toEqual([]);
    expect(after, before.reconcileSql).toEqual({ differences: [], reconcileSql: '', byHand: [] });
  });
});

it('a column is given its type back with its values, where Prisma would drop it and make it again', async () => {
  const { before, after } = await compare(
    base,
    `DROP POLICY "adults" ON "User"; DROP VIEW "names" CASCADE; ALTER TABLE "User" ALTER "age" TYPE TEXT; INSERT INTO "User" VALUES (1, 'a', '41', 'k');`,
    {
      prismaScript:
        '-- AlterTable\nALTER TABLE "User" DROP COLUMN "age",\nADD COLUMN     "age" INTEGER DEFAULT 7;\n\n-- DropTable\nDROP TABLE "Order";',
    },
  );
  expect(before.reconcileSql).toContain('ALTER COLUMN age TYPE integer USING age::integer');
  expect(before.reconcileSql).not.toMatch(/DROP COLUMN|DROP TABLE/);
  expect(after.differences).toEqual([]);
});

describe('drift that cannot be scripted is said to be so', () => {
  it('and the SQL still does the rest', async () => {
    const { before, after } = await compare(
      `${base}CREATE TYPE "pair" AS (a INTEGER, b INTEGER); CREATE TABLE "Pairs" ("p" "pair");`,
      `DROP TABLE "Pairs"; DROP TYPE "pair"; CREATE TYPE "pair" AS (a INTEGER, b TEXT); CREATE TABLE "Pairs" ("p" "pair");
       CREATE OPERATOR === (LEFTARG = TEXT, RIGHTARG = TEXT, FUNCTION = texteq);
       ALTER TABLE "User" SET (fillfactor = 50); ALTER TABLE "User" DROP COLUMN "name" CASCADE;`,
    );
    expect(before.byHand).toEqual([
      expect.stringMatching(
        /^TYPE public.pair is not as the migrations made it \(cannot drop type pair because other objects depend on it\); by the migrations it is:\nCREATE TYPE/,
      ),
      'OPERATOR public.=== is not in the migrations: drop it, or put it into a migration',
      "TABLE public.User is not as the migrations made it: only in the database: WITH (fillfactor='50');",
    ]);
    expect(after.differences.toSorted()).toEqual([
      'OPERATOR public.=== is not in the migrations',
      'TABLE public.User is not as the migrations made it',
      'TYPE public.pair is not as the migrations made it',
    ]);
  });

  it('where the scratch server cannot hold a copy of the object: it is not made there by the script', async () => {
    const { before } = await compare(base, '', {
      bySuperuser: `CREATE EXTENSION dblink; ALTER TABLE "Order" ADD COLUMN "x" dblink_pkey_results; CREATE INDEX "Order_user" ON "Order" ("userId");
        CREATE TABLE "Keys" ("k" dblink_pkey_results); DROP VIEW "old_names";`,
      prismaScript: '-- AlterTable\nALTER TABLE "Order" DROP COLUMN "x";',
      asOrdinaryRole: true,
    });
    expect(before.byHand).toEqual([
      'EXTENSION dblink is not in the migrations, not tried, because the shadow server could not hold it (permission denied to create extension "dblink"): DROP EXTENSION "dblink";',
      'TABLE public.Keys is not in the migrations, not tried, because the shadow server could not hold it (type "public.dblink_pkey_results" does not exist): DROP TABLE public."Keys";',
      'TABLE public.Order is not as the migrations made it, not tried, because the shadow server could not hold it (type "public.dblink_pkey_results" does not exist): only in the database: x public.dblink_pkey_results',
      expect.stringMatching(/^INDEX public.Order_user .*: DROP INDEX public."Order_user";$/),
    ]);
    expect(before.reconcileSql).not.toMatch(/CREATE TABLE|DROP TABLE/);
    expect(before.reconcileSql).toContain('CREATE VIEW public.old_names');
  });
});

it('grants to roles that only the target has, or that own the copy, are taken back, and said not to have been tried', async () => {
  const { before, after } = await compare(
    base,
    `GRANT SELECT, INSERT ON "Order" TO drift_unknown; GRANT UPDATE ON "Order" TO drift_reader; GRANT SELECT ON "User" TO postgres;
     ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO drift_unknown; DROP VIEW "old_names";`,
  );
  expect(before.byHand).toEqual([]);
  expect(before.reconcileSql).toContain('-- Not tried, because the roles of the server');
  expect(before.reconcileSql).toContain('REVOKE SELECT ON TABLE public."User" FROM postgres;');
  expect(before.reconcileSql).toContain('FROM drift_unknown;');
  expect(after.differences, before.reconcileSql).toEqual([]);
});

it.each([13, 14])('is taken back on PostgreSQL %s as well', async (major) => {
  const on = await sharedPostgres(major);
  await makeRole(on, 'drift_reader');
  const byHand = `DROP MATERIALIZED VIEW "counts"; DROP VIEW "old_names", "names";
    CREATE VIEW "names" AS SELECT "name", "id", "age" FROM "User"; CREATE TABLE "Hand" ("id" SERIAL PRIMARY KEY);
    ALTER TABLE "User" DROP COLUMN "kind"; REVOKE SELECT ON "Order" FROM drift_reader;
    ALTER TABLE "User" DISABLE TRIGGER "touch_user"; CREATE FUNCTION "by_hand"() RETURNS "Hand" LANGUAGE sql AS 'SELECT NULL::"Hand"';`;
  const { before, after } = await compare(`${base}GRANT SELECT ON "Order" TO drift_reader;`, byHand, { on });
  expect(before.byHand, before.reconcileSql).toEqual([]);
  expect(after.differences, before.reconcileSql).toEqual([]);
});
