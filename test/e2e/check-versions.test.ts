import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCheckGround, initMigration, initSql, reportOf } from '../support/check-ground.ts';
import { startPostgres, type ThrowawayCluster } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared-servers.ts';

let shadow: ThrowawayCluster;
beforeAll(async () => {
  shadow = await startPostgres();
});
afterAll(() => shadow?.[Symbol.asyncDispose]());

const second = '20260102000000_add_kind';
const addKind = `CREATE TYPE "Kind" AS ENUM ('a', 'b');
ALTER TABLE "User" ADD COLUMN "kind" "Kind";
CREATE VIEW "kinds" AS SELECT "kind" FROM "User";
`;
const models =
  'enum Kind {\n  a\n  b\n}\n\nmodel User {\n  id   Int     @id\n  name String?\n  kind Kind?\n}\n';

describe.each(['5', '6', 'prisma7'] as const)('check of a project with Prisma %s', (prisma) => {
  it('finds drift, takes it back, and names what schema.prisma says more', async () => {
    await using ground = await createCheckGround({
      target: await sharedPostgres(),
      shadow,
      prisma,
      base: { [initMigration]: initSql, [second]: addKind },
      models,
    });
    await ground.commit();
    await ground.psql(`DROP VIEW "kinds"; ALTER TYPE "Kind" ADD VALUE 'c';
      CREATE VIEW "kinds" AS SELECT "kind" FROM "User" WHERE "kind" = 'a';
      CREATE TABLE "Hand" ("id" SERIAL PRIMARY KEY); ALTER TABLE "User" DROP COLUMN "name";`);
    await ground.writeSchema(models.replace('name String?', 'name String?\n  nick String?'));
    await ground.commit();
    await using found = await ground.check();
    expect(found.result.outputs, found.result.log).toMatchObject({ drift: 'true' });
    const { drift, parts, missingMigrationSql } = await reportOf(found.result);
    expect(missingMigrationSql).toBe('-- AlterTable\nALTER TABLE "User" ADD COLUMN     "nick" TEXT;');
    expect(parts.flatMap((part) => part.notChecked)).toEqual([]);
    expect(drift?.byHand, drift?.reconcileSql).toEqual([]);
    // It is Prisma that scripts what it models.
    expect(drift?.reconcileSql).toContain('-- DropTable');
    await ground.psql(drift?.reconcileSql ?? '');
    await using after = await ground.check();
    expect(after.result.outputs, drift?.reconcileSql).toMatchObject({ drift: 'false' });
  });
});

describe.each(['5', '6', '7'] as const)('check of a project with several schemas and Prisma %s', (prisma) => {
  const inTwo = `CREATE SCHEMA "sales";
CREATE TABLE "User" ("id" INTEGER NOT NULL, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
CREATE TABLE "sales"."Order" ("id" INTEGER NOT NULL, CONSTRAINT "Order_pkey" PRIMARY KEY ("id"));
`;
  const twoModels =
    'model User {\n  id Int @id\n  @@schema("public")\n}\n\nmodel Order {\n  id Int @id\n  @@schema("sales")\n}\n';

  it('looks at all of them', async () => {
    await using ground = await createCheckGround({
      target: await sharedPostgres(),
      shadow,
      prisma,
      base: { [initMigration]: inTwo },
      models: twoModels,
      schemas: ['public', 'sales'],
    });
    await ground.commit();
    await using clean = await ground.check();
    expect(clean.result.outputs, clean.result.log).toMatchObject({ result: 'checked', drift: 'false' });
    expect(clean.result.exitCode, clean.result.log).toBe(0);

    await ground.psql(
      'ALTER TABLE "sales"."Order" ADD COLUMN "note" TEXT; CREATE TABLE "sales"."Hand" (a INTEGER)',
    );
    await using found = await ground.check();
    const { drift } = await reportOf(found.result);
    expect(drift?.byHand).toEqual([]);
    expect(drift?.reconcileSql).toContain('ALTER TABLE "sales"."Order" DROP COLUMN "note";');
  });
});
