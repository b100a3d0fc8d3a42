import { describe, expect, it } from 'vitest';
import { readSettledState } from '../support/database-state.ts';
import { addQuotations, erpRows } from '../support/erp.ts';
import { nastySchema } from '../support/nasty-schema.ts';
import { sharedPostgres } from '../support/shared-servers.ts';
import { createWorld } from '../support/world.ts';

const good = '20260103000000_add_quotations';
const failing = '20260104000000_rework';

/** Leaves hardly anything as it was, statement by statement, before its last one fails. */
const rework = `
UPDATE "types"."of_0" SET "v" = NULL;
DROP TABLE "types"."of_1";
ALTER TABLE "public"."all_types" DROP COLUMN "a_bytea", ALTER COLUMN "a_text" TYPE varchar(1000);
ALTER TYPE "public"."mood" ADD VALUE 'glad';
DROP VIEW "public"."moods_again";
DROP MATERIALIZED VIEW "public"."totals";
ALTER TABLE "public"."child" NO INHERIT "public"."parent";
ALTER TABLE "public"."events" DETACH PARTITION "public"."events_2025";
TRUNCATE "public"."by_hash" CASCADE;
DROP POLICY "own_lines" ON "public"."lines";
ALTER TABLE "public"."lines" DISABLE ROW LEVEL SECURITY;
DROP TRIGGER "touch" ON "public"."invoices";
REVOKE ALL ON "public"."invoices" FROM PUBLIC;
ALTER EXTENSION "citext" UPDATE;
DROP EXTENSION "pgcrypto";
SELECT setval('public.countdown', 5);
SELECT lo_unlink(70001);
SELECT lo_put(70003, 0, 'other');
ALTER DEFAULT PRIVILEGES IN SCHEMA "public" REVOKE SELECT ON TABLES FROM PUBLIC;
COMMENT ON COLUMN "public"."t"."t" IS NULL;
DROP PUBLICATION "changes";
ALTER TABLE "public"."scratchpad" SET LOGGED;
DELETE FROM "public"."no_columns";
ALTER TABLE "public"."orphans" ALTER COLUMN "id" SET NOT NULL, ADD UNIQUE ("id"), ADD CHECK ("id" < 0);
`;

describe.each([13, 14, 15])('a real schema on a server of %i', (major) => {
  it('is migrated, and is as before after a migration that failed', async () => {
    const cluster = await sharedPostgres(major);
    const reader = `reader_${major}_${process.pid}`;
    await cluster.createRole(reader, { attributes: 'NOSUPERUSER' });
    await using world = await createWorld({
      cluster,
      rows: `${erpRows}${nastySchema(major, reader)}`,
      pending: { [good]: addQuotations },
    });
    await using succeeding = await world.migrate();
    expect(succeeding.result.outputs, succeeding.result.log).toMatchObject({
      result: 'migrated',
      'restore-proved': 'true',
    });
    expect(await world.copies()).toEqual([]);

    await world.project.writeMigration(failing, rework);
    const before = await readSettledState(cluster, world.database);
    await using run = await world.migrate();
    const { outputs, log } = run.result;
    expect(outputs, log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
      'restore-proved': 'true',
      'failed-migration': failing,
    });
    expect(log).toContain(`PostgreSQL ${major}.`);
    // All of the statements before the last one have left their mark.
    expect(log).toContain('orphans_id_check');
    expect(await readSettledState(cluster, world.database)).toEqual(before);
  });
});
