import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TableDifference } from '../../src/report/report.ts';
import { everydayWork, insertsOnly, invoicesPerInsert } from '../support/erp-work.ts';
import { readReport } from '../support/refusal.ts';
import type { ActionResult } from '../support/runner.ts';
import { createWorld, type World } from '../support/world.ts';
import { type ClientLedger, startWriters } from '../support/writers.ts';

const failing = '20260103000000_add_contacts';

/**
 * Adds things, takes a while, changes a table that no writer touches (25 rows changed, 3 deleted), and fails. What
 * else differs afterwards is the writers' work.
 */
const addContactsFails = `CREATE TYPE "Salutation" AS ENUM ('MS', 'MR', 'NONE');
CREATE TABLE "Contact" ("id" SERIAL PRIMARY KEY, "customerId" INTEGER NOT NULL, "salutation" "Salutation" NOT NULL);
UPDATE "Note" SET "text" = upper("text") WHERE "id" > 25;
DELETE FROM "Note" WHERE "id" <= 3;
SELECT pg_sleep(0.5);
ALTER TABLE "Contact" ADD CONSTRAINT "Contact_customerId_fkey" FOREIGN KEY ("customerId") REFERENCES "Customer"("id");
ALTER TABLE "Customer" ADD COLUMN "first" TEXT;
ALTER TABLE "Note" ADD CONSTRAINT "Note_is_short" CHECK (length("text") < 3);
`;

const insertOnlyMigrations = [
  ['the only migration fails', { [failing]: addContactsFails }],
  [
    'the second of three migrations fails',
    {
      '20260102500000_add_teams': `CREATE TABLE "Team" ("id" SERIAL PRIMARY KEY);\nALTER TABLE "Customer" ADD COLUMN "teamId" INTEGER REFERENCES "Team"("id");`,
      [failing]: addContactsFails,
      '20260104000000_later': 'CREATE TABLE "Later" ("id" INTEGER);',
    },
  ],
] as const;

describe('migrate, while 30 clients write 50 transactions a second each and reconnect', {
  timeout: 240_000,
}, () => {
  it.for(insertOnlyMigrations)(
    'recovers by swap when %s, and reports exactly the rows that only the failed database holds',
    async ([, pending], { annotate }) => {
      await using world = await createWorld({ pending });
      const before = await world.state();
      await using writers = await startWriters({ url: world.url, work: insertsOnly });
      await using run = await world.migrate();
      await writers.untilEachCommitted(10);
      const ledgers = await writers.stop();
      const { outputs, log } = run.result;
      expect(outputs, log).toMatchObject({
        result: 'restored',
        'recovery-method': 'swap',
        'failed-migration': failing,
      });
      await annotate(story(ledgers, run.result));

      expectOneBrokenSessionAtMost(ledgers);
      await expectSchemaAndHistory(world, before);

      const kept = await openAgain(world, outputs['failed-database'] ?? '');
      const inFailed = await tokensIn(world, kept);
      const inTarget = await tokensIn(world, world.database);
      const committed = new Set(ledgers.flatMap((ledger) => [...ledger.committed.keys()]));
      const unknown = new Set(ledgers.flatMap((ledger) => [...ledger.unknown.keys()]));
      expect(unknown.size).toBeLessThanOrEqual(ledgers.length);
      // Every answered commit is in the one database or in the other, and nothing is there that nobody wrote.
      expect([...committed.difference(inFailed.union(inTarget))]).toEqual([]);
      expect([...inFailed.union(inTarget).difference(committed.union(unknown))]).toEqual([]);

      // What the clients know to have committed and do not find any more, and what they were left in doubt about.
      const missed = committed.difference(inTarget);
      const onlyInFailed = missed.union(unknown.intersection(inFailed).difference(inTarget));
      expect(missed.size).toBeGreaterThan(200);
      const differences = await newWrites(run.result);
      expect(differences.map(countsOf)).toEqual([
        ['Customer', { onlyInFailed: onlyInFailed.size, changed: 0, onlyInTarget: 0 }],
        ['Invoice', { onlyInFailed: onlyInFailed.size * invoicesPerInsert, changed: 0, onlyInTarget: 0 }],
        ['Note', { onlyInFailed: 0, changed: 25, onlyInTarget: 3 }],
      ]);
      const [customers] = differences;
      expect(customers?.key).toEqual(['id']);
      expect(customers?.sampleKeys).toHaveLength(20);
      for (const key of customers?.sampleKeys ?? []) {
        const [id] = JSON.parse(key);
        const name = await world.cluster.psql(kept, `SELECT "name" FROM "Customer" WHERE "id" = ${id}`);
        expect(onlyInFailed).toContain(name);
      }
    },
  );

  it('puts only the history back after a script that was sent as one, without losing a row or ending a session', async ({
    annotate,
  }) => {
    await using world = await createWorld({
      pending: { [failing]: addContactsFails },
      engineMode: 'whole-script',
    });
    const before = await world.state();
    await using writers = await startWriters({ url: world.url, work: insertsOnly });
    await using run = await world.migrate();
    await writers.untilEachCommitted(10);
    const ledgers = await writers.stop();
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'history',
      'failed-database': '',
    });
    await annotate(story(ledgers, run.result));

    for (const ledger of ledgers) {
      expect(ledger).toMatchObject({ brokenSessions: 0, refusedConnects: [], failures: [] });
      expect(ledger.backendPids).toHaveLength(1);
      expect(ledger.unknown.size).toBe(0);
    }
    await expectSchemaAndHistory(world, before);
    const committed = new Set(ledgers.flatMap((ledger) => [...ledger.committed.keys()]));
    expect(await tokensIn(world, world.database)).toEqual(committed);
    expect(await world.copies()).toEqual([]);
  });

  it('recovers by swap while rows are inserted, changed and deleted, and keeps every state apart', async ({
    annotate,
  }) => {
    await using world = await createWorld({ pending: { [failing]: addContactsFails } });
    const before = await world.state();
    await using writers = await startWriters({ url: world.url, work: everydayWork });
    await using run = await world.migrate();
    await writers.untilEachCommitted(10);
    const ledgers = await writers.stop();
    expect(run.result.outputs, run.result.log).toMatchObject({
      result: 'restored',
      'recovery-method': 'swap',
    });
    await annotate(story(ledgers, run.result));

    expectOneBrokenSessionAtMost(ledgers);
    await expectSchemaAndHistory(world, before);

    // The stored dump, restored by hand, is what the target was swapped back to; the rest came afterwards.
    const kept = await openAgain(world, run.result.outputs['failed-database'] ?? '');
    const backup = await restoreByHand(world, run.result);
    const expected = await differencesBetween(world, kept, backup);
    expect(expected.Customer?.changed).toBeGreaterThan(20);
    expect(expected.Invoice?.onlyInTarget).toBeGreaterThan(20);
    const reported = Object.fromEntries((await newWrites(run.result)).map(countsOf));
    // The application works in the recovered target while it is compared: a row of the backup that it touches again
    // counts as one that only the failed database holds. So nothing is ever missing from that number.
    for (const [table, counts] of Object.entries(expected)) {
      const { onlyInFailed = 0, changed = 0, onlyInTarget = 0 } = reported[table] ?? {};
      expect(onlyInFailed, table).toBeGreaterThanOrEqual(counts.onlyInFailed);
      expect(changed, table).toBeLessThanOrEqual(counts.changed);
      expect(onlyInTarget, table).toBeLessThanOrEqual(counts.onlyInTarget);
      expect(onlyInFailed + changed, table).toBeGreaterThanOrEqual(counts.onlyInFailed + counts.changed);
    }
    expect(reported.Note).toEqual(expected.Note);
  });
});

function story(ledgers: readonly ClientLedger[], { outputs }: ActionResult): string {
  const sum = (of: (ledger: ClientLedger) => number) =>
    ledgers.reduce((total, ledger) => total + of(ledger), 0);
  const pauses = ledgers.map((ledger) => Math.round(ledger.longestPauseMs));
  return [
    `${outputs['recovery-method']} in ${outputs['recovery-seconds']} s`,
    `${sum((ledger) => ledger.committed.size)} transactions, ${sum((ledger) => ledger.unknown.size)} of unknown outcome`,
    `${sum((ledger) => ledger.brokenSessions)} sessions broken, ${sum((ledger) => ledger.refusedConnects.length)} connects refused`,
    `longest pause of a client ${Math.max(...pauses)} ms`,
  ].join('; ');
}

function expectOneBrokenSessionAtMost(ledgers: readonly ClientLedger[]): void {
  for (const ledger of ledgers) {
    expect(ledger.brokenSessions).toBeLessThanOrEqual(1);
    expect(ledger.failures).toEqual([]);
    // "It seems to have just been dropped or renamed": for whoever was waiting at the door.
    expect(ledger.refusedConnects.filter((code) => code !== '3D000')).toEqual([]);
    expect(ledger.refusedConnects.length).toBeLessThanOrEqual(1);
  }
}

/** Rows of the tables that clients write to are looked at elsewhere. */
async function expectSchemaAndHistory(
  world: World,
  before: Awaited<ReturnType<World['state']>>,
): Promise<void> {
  const now = await world.state();
  expect(now.schema).toBe(before.schema);
  expect(now.properties).toBe(before.properties);
  for (const table of ['public."Note"', 'public._prisma_migrations']) {
    expect(before.tables).toHaveProperty([table]);
    expect(now.tables[table], table).toBe(before.tables[table]);
  }
}

async function newWrites(result: ActionResult): Promise<readonly TableDifference[]> {
  return (await readReport(result)).newWrites ?? [];
}

type Counts = Pick<TableDifference, 'onlyInFailed' | 'changed' | 'onlyInTarget'>;

function countsOf({ table, onlyInFailed, changed, onlyInTarget }: TableDifference): [string, Counts] {
  return [table, { onlyInFailed, changed, onlyInTarget }];
}

/** A kept failed database is closed to everybody; looking into it begins with opening it. */
async function openAgain(world: World, name: string): Promise<string> {
  await world.cluster.psql('postgres', `ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
  return name;
}

/** Tokens of the clients whose customers are in a database, each with all of its invoices. */
async function tokensIn(world: World, database: string): Promise<Set<string>> {
  const lines = await world.cluster.psql(
    database,
    `SELECT c."name" || ' ' || count(i."id") FROM "Customer" c LEFT JOIN "Invoice" i ON i."customerId" = c."id"
      WHERE c."name" LIKE 'w%' GROUP BY c."id"`,
  );
  const tokens = lines.split('\n').map((line) => line.split(' '));
  expect(tokens.filter(([, invoices]) => invoices !== String(invoicesPerInsert))).toEqual([]);
  const names = new Set(tokens.map(([name]) => name ?? ''));
  expect(names.size).toBe(tokens.length);
  return names;
}

async function restoreByHand(world: World, result: ActionResult): Promise<string> {
  const stored = await world.stored();
  const dump = stored.get(`backups/${world.database}/${result.outputs['backup-id']}/database.dump`);
  if (dump === undefined) throw new Error(`no dump among ${[...stored.keys()]}`);
  const file = join(world.folder, 'by-hand.dump');
  await writeFile(file, dump);
  const copy = `${world.database}_by_hand`;
  await world.cluster.createDatabase(copy, world.user);
  await world.cluster.tool('pg_restore', ['--dbname', copy, '--exit-on-error', file], copy);
  return copy;
}

/** By key, on the columns that both have; read and compared without any code of the product. */
async function differencesBetween(
  world: World,
  failed: string,
  backup: string,
): Promise<Record<string, Counts>> {
  const differences: Record<string, Counts> = {};
  for (const table of ['Customer', 'Invoice', 'Note']) {
    const rows = async (database: string) => {
      // Written by the migration, and only in the failed database.
      const sql = `SELECT "id" || ' ' || (to_jsonb(r) - 'first')::text FROM "${table}" r`;
      const lines = (await world.cluster.psql(database, sql)).split('\n');
      return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line]));
    };
    const [inFailed, inBackup] = [await rows(failed), await rows(backup)];
    const keys = [...inFailed.keys()];
    differences[table] = {
      onlyInFailed: keys.filter((key) => !inBackup.has(key)).length,
      changed: keys.filter((key) => inBackup.has(key) && inBackup.get(key) !== inFailed.get(key)).length,
      onlyInTarget: [...inBackup.keys()].filter((key) => !inFailed.has(key)).length,
    };
  }
  return differences;
}
