import { describe, expect, it } from 'vitest';
import { readReport } from '../support/refusal.ts';
import { createWorld } from '../support/world.ts';

const value = 'janedoeprivate4711';
const migration = '20260103000000_fails';

/** Where PostgreSQL's own message holds it, it is told with the message: that is all that says what is wrong. */
const told = ['log', 'summary', 'annotations', 'report'];

/** How a migration can fail on a row, and where its value is seen then. */
const failures: readonly [string, string, readonly string[]][] = [
  // Class 23: PostgreSQL keeps the value in DETAIL, which is taken out everywhere.
  ['a unique index', `INSERT INTO "Customer" ("name", "email") SELECT 'x', "email" FROM "Customer";`, []],
  // Class 22 keeps it in the message itself.
  ['a cast', `ALTER TABLE "Customer" ALTER COLUMN "email" TYPE integer USING "email"::integer;`, told],
  // As does whoever raises it.
  [
    'an exception',
    `DO $$ DECLARE mail text; BEGIN SELECT "email" INTO mail FROM "Customer"; RAISE EXCEPTION 'cannot convert %', mail; END $$;`,
    told,
  ],
];

describe('the value of a row on which a migration fails', () => {
  it('is seen where it is known to be, and nowhere else', { timeout: 300_000 }, async () => {
    await using world = await createWorld();
    await world.psql(`TRUNCATE "Invoice", "Customer", "Note";
      INSERT INTO "Customer" ("name", "email") VALUES ('Jane', '${value}')`);
    for (const [how, script, expected] of failures) {
      await world.project.writeMigration(migration, script);
      await using run = await world.migrate({ env: { RUNNER_DEBUG: '1' } });
      const { result } = run;
      expect(result.exitCode, result.log).toBe(1);
      const seen = {
        log: result.rawLog,
        summary: result.summary,
        annotations: JSON.stringify(result.annotations),
        outputs: JSON.stringify(result.outputs),
        report: JSON.stringify(await readReport(result)),
        storage: String([...(await world.stored())].filter(([key]) => !key.endsWith('.dump'))),
      };
      const places = Object.entries(seen).flatMap(([where, text]) => (text.includes(value) ? [where] : []));
      expect(places, how).toEqual(expected);
    }
  });
});
