import { readInventory } from '../src/database/postgres/inventory/read-inventory.ts';
import { formatBytes, formatDuration } from '../src/report/quantity.ts';
import { prove, serverOf, takeBackup } from '../test/integration/database/proving.ts';
import { type PostgresCluster, startPostgres } from '../test/support/postgres.ts';
import { largeRows, largeTables, serverSettings } from './large-database.ts';

/**
 * What the proof costs: `npm run bench:prove [gigabytes] [rounds]` restores the same dump by hand (pg_restore -j2 and
 * ANALYZE) and proves it (restored, analyzed, compared by rows, catalogs, settings and indexes, closed), in turns, and prints
 * the ratio of the medians; and how long the catalogs of 2 000 tables take to be read.
 */
const proofGoal = 1.25;
const inventoryGoalMs = 3000;
const tables = 2000;

const manyTables = `DO $$ BEGIN FOR i IN 1..${tables} LOOP
  EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, a text NOT NULL DEFAULT ''x'', b int, c timestamptz DEFAULT now(),
    d numeric(10, 2), e jsonb, f boolean NOT NULL DEFAULT false, g text CHECK (length(g) < 100))', i);
  EXECUTE format('CREATE INDEX ON t%s (a, c)', i);
  IF i > 1 THEN EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (b) REFERENCES t%s (id)', i, i - 1); END IF;
  IF i % 200 = 0 THEN COMMIT; END IF;
END LOOP; END $$;`;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function byHand(cluster: PostgresCluster, dumpPath: string, round: number): Promise<void> {
  const copy = `by_hand_${round}`;
  await cluster.createDatabase(copy);
  await cluster.tool('pg_restore', ['-j2', '-d', copy, dumpPath], copy);
  await cluster.psql(copy, 'ANALYZE');
}

async function proofRatio(cluster: PostgresCluster, gigabytes: number, rounds: number): Promise<number> {
  await cluster.createDatabase('large');
  await cluster.psql('large', `${largeTables}\n${largeRows(gigabytes)}`);
  const server = await serverOf(cluster.url({ database: 'large' }));
  await using backup = await takeBackup(server);
  const hand: number[] = [];
  const proof: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    hand.push(await timed(() => byHand(cluster, backup.dumpPath, round)));
    await cluster.psql('postgres', `DROP DATABASE by_hand_${round}`);
    proof.push(await timed(() => prove(server, backup, { run: `r${round}` })));
    await cluster.psql('postgres', `DROP DATABASE large__fallback_r${round}`);
  }
  const size = Number(await cluster.psql('large', `SELECT pg_database_size('large')`));
  console.log(
    `${formatBytes(size)}: by hand ${formatDuration(median(hand))}, proved ${formatDuration(median(proof))}`,
  );
  return median(proof) / median(hand);
}

async function inventoryMs(cluster: PostgresCluster): Promise<number> {
  await cluster.createDatabase('many');
  await cluster.psql('many', manyTables);
  const server = await serverOf(cluster.url({ database: 'many' }));
  await using session = await server.connect('many');
  await readInventory(session);
  return await timed(() => readInventory(session));
}

async function main(gigabytes: number, rounds: number): Promise<void> {
  await using cluster = await startPostgres({
    settings: [...serverSettings, 'max_locks_per_transaction = 1024'],
  });
  const ratio = await proofRatio(cluster, gigabytes, rounds);
  console.log(`prove ÷ by hand: ${ratio.toFixed(2)} (goal ${proofGoal})`);
  const readMs = await inventoryMs(cluster);
  console.log(
    `catalogs of ${tables} tables: ${formatDuration(readMs)} (goal ${formatDuration(inventoryGoalMs)})`,
  );
  if (ratio > proofGoal || readMs > inventoryGoalMs) process.exitCode = 1;
}

// Ctrl-C reaches the children by itself; what they belong to is then taken down in order.
process.on('SIGINT', () => {
  process.exitCode = 130;
});
await main(Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 3));
