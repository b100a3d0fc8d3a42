import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWitness } from '../../src/database/postgres/fingerprint/witness.ts';
import { serverOf } from '../integration/database/proving.ts';
import { createCheckGround, initMigration, initSql, reportOf, userModel } from '../support/check-ground.ts';
import { startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

let shadow: ThrowawayCluster;
beforeAll(async () => {
  shadow = await startPostgres();
  await shadow.psql('postgres', 'CREATE ROLE check_reader');
  await (await sharedPostgres()).psql(
    'postgres',
    `DO $$ BEGIN CREATE ROLE check_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
  );
});
afterAll(() => shadow[Symbol.asyncDispose]());

/** Objects that Prisma does not model, beside the table that it does. */
const beyondPrisma = `CREATE VIEW "names" AS SELECT "name" FROM "User";
CREATE FUNCTION "double"(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION "touch"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "touch_user" BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE FUNCTION "touch"();
ALTER TABLE "User" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "all_users" ON "User" USING (true);
CREATE INDEX "User_lower" ON "User" (lower("name"));
ALTER TABLE "User" ADD CONSTRAINT "name_given" CHECK ("name" IN ('a', 'b') OR "name" IS NULL);
CREATE EXTENSION pg_trgm;
`;

const drifted = `ALTER TABLE "User" ADD COLUMN "age" INTEGER;
CREATE INDEX "User_name" ON "User" ("name");
DROP INDEX "User_lower";
CREATE OR REPLACE VIEW "names" AS SELECT "name" FROM "User" WHERE "id" > 0;
CREATE OR REPLACE FUNCTION "double"(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n * 3';
DROP POLICY "all_users" ON "User";
CREATE POLICY "some_users" ON "User" USING ("id" > 0);
GRANT SELECT ON "User" TO check_reader;
ALTER TABLE "User" DISABLE TRIGGER "touch_user";
ALTER TABLE "User" DROP CONSTRAINT "name_given";
DROP EXTENSION pg_trgm;
CREATE EXTENSION citext;
`;

describe('drift', () => {
  it('by hand in psql is found object by object, and the SQL of the report takes it back', async () => {
    await using ground = await createCheckGround({
      target: await sharedPostgres(),
      shadow,
      base: { [initMigration]: initSql, '20260102000000_beyond': beyondPrisma },
    });
    await ground.commit();
    await using clean = await ground.check();
    expect(clean.result.outputs, clean.result.log).toMatchObject({ drift: 'false' });

    await ground.psql(drifted);
    await using found = await ground.check({ inputs: { 'fail-on': 'warning' } });
    const { result } = found;
    expect(result.outputs, result.log).toMatchObject({ result: 'checked', drift: 'true' });
    expect(result.exitCode).toBe(1);
    const report = await reportOf(result);
    const { differences = [], reconcileSql = '', byHand } = report.drift ?? {};
    for (const object of [
      'TABLE public.User',
      'INDEX public.User_name',
      'INDEX public.User_lower',
      'VIEW public.names',
      'FUNCTION public.double(integer)',
      'POLICY public.User all_users',
      'POLICY public.User some_users',
      'ACL public.TABLE "User"',
      'TRIGGER public.User touch_user',
      'EXTENSION pg_trgm',
      'EXTENSION citext',
    ]) {
      expect(
        differences.some((each) => each.startsWith(object)),
        `${object} in ${differences.join('\n')}`,
      ).toBe(true);
    }
    expect(byHand, JSON.stringify(report.parts)).toEqual([]);

    // The attached file is what a person runs.
    const attached = await readFile(
      join(dirname(result.outputs.report ?? ''), 'reconcile-drift.sql'),
      'utf8',
    );
    expect(attached.trim()).toBe(reconcileSql.trim());
    await ground.psql(attached);
    await using after = await ground.check();
    const again = await reportOf(after.result);
    expect(again.drift?.differences, reconcileSql).toEqual([]);
    expect(after.result.outputs).toMatchObject({ drift: 'false' });
  });

  it('is looked for by a role that may only SELECT, and nothing is written', async () => {
    const target = await sharedPostgres();
    await using ground = await createCheckGround({ target, shadow });
    const reader = `reader_${ground.database}`;
    await target.createRole(reader, { attributes: 'NOCREATEDB' });
    await target.psql(
      ground.database,
      `REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE TEMPORARY ON DATABASE "${ground.database}" FROM PUBLIC;
       GRANT USAGE ON SCHEMA public TO "${reader}"; GRANT SELECT ON ALL TABLES IN SCHEMA public TO "${reader}";`,
    );
    await ground.commit();
    const written = () =>
      target.psql(
        ground.database,
        `SELECT md5(string_agg(oid::text || xmin::text || relfilenode::text, ',' ORDER BY oid)) FROM pg_class;
         SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables WHERE schemaname = 'public';`,
      );
    const before = await written();
    await using server = await serverOf(target.url({ database: ground.database }));
    await using session = await server.connect(ground.database);
    const witness = await readWitness(session);
    const databases = (await target.databases()).filter((name) => name.startsWith(ground.database));
    await using run = await ground.check({
      inputs: { 'database-url': target.url({ database: ground.database, user: reader }) },
    });
    // The rights that this test took away are a difference; everything else could be read.
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'checked', drift: 'true' });
    const { drift } = await reportOf(run.result);
    expect(drift).toMatchObject({
      differences: expect.not.arrayContaining([expect.stringMatching(/^TABLE/)]),
      byHand: [],
    });
    // Its SQL would give the rights back.
    expect(drift?.reconcileSql).toContain(`REVOKE SELECT ON TABLE public."User" FROM ${reader};`);
    expect(await written()).toBe(before);
    expect(await readWitness(session)).toEqual(witness);
    expect((await target.databases()).filter((name) => name.startsWith(ground.database))).toEqual(databases);
  });

  it('names a schema.prisma that says more than the migrations, with the SQL of the missing one', async () => {
    await using ground = await createCheckGround({
      target: await sharedPostgres(),
      shadow,
      models: userModel.replace('name String?', 'name String?\n  nick String?'),
    });
    await ground.commit();
    await using run = await ground.check();
    expect(run.result.exitCode, run.result.log).toBe(1);
    const report = await reportOf(run.result);
    expect(report.missingMigrationSql).toContain('ALTER TABLE "User" ADD COLUMN     "nick" TEXT');
    expect(run.result.annotations).toContainEqual(
      expect.objectContaining({ title: 'SM_SCHEMA_NOT_MIGRATED', file: 'prisma/schema.prisma' }),
    );
  });

  it('is looked for in a project whose schema is a folder, which is compared as a whole', async () => {
    await using ground = await createCheckGround({ target: await sharedPostgres(), shadow });
    const folder = join(ground.repository, 'prisma', 'schema');
    await mkdir(folder);
    await rename(ground.project.schemaPath, join(folder, 'main.prisma'));
    await rename(ground.project.migrationsDirectory, join(folder, 'migrations'));
    await writeFile(join(folder, 'order.prisma'), 'model Order {\n  id Int @id\n}\n');
    await ground.commit();
    await using run = await ground.check({ inputs: { 'prisma-schema': 'prisma/schema' } });
    expect(run.result.outputs, run.result.log).toMatchObject({ result: 'checked', drift: 'false' });
    const { missingMigrationSql } = await reportOf(run.result);
    expect(missingMigrationSql).toMatch(/^-- CreateTable\nCREATE TABLE "Order"/);
    expect(missingMigrationSql).not.toContain('User');
  });
});
