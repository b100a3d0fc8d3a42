import { readFile } from 'node:fs/promises';
import { formatBytes } from '../src/report/quantity.ts';
import type { Report } from '../src/report/report.ts';
import { type Ceph, startCeph } from '../test/support/ceph.ts';
import { erpMigrations, erpRows } from '../test/support/erp.ts';
import { insertsOnly } from '../test/support/erp-work.ts';
import { type PostgresCluster, startPostgres } from '../test/support/postgres.ts';
import { createWorld } from '../test/support/world.ts';
import { startWriters } from '../test/support/writers.ts';
import { largeRows, largeTables, serverSettings } from './large-database.ts';

/**
 * How long recovery by swap takes, and how little of it the application notices, whatever the size of the database:
 * `npm run bench:swap [gigabytes]` lets a migration fail half-way under 30 clients that write and reconnect, on the
 * small ERP database and on the same one with 1 GB more in it, and prints both and their ratio.
 */
interface Measured {
  readonly sizeBytes: number;
  /** From the decision to recover until the target was back and checked. */
  readonly recoveryMs: number;
  /** Longest time that any client went without a commit: the outage that the application sees. */
  readonly longestPauseMs: number;
  readonly brokenSessions: number;
}

const fails = 'CREATE TABLE "Half" ("id" INTEGER);\nUPDATE "Note" SET "text" = upper("text");\nSELECT 1/0;';

async function measure(
  servers: { cluster: PostgresCluster; ceph: Ceph },
  gigabytes: number,
): Promise<Measured> {
  await using world = await createWorld({
    ...servers,
    applied: { ...erpMigrations, '20260102500000_large_tables': largeTables },
    rows: erpRows + largeRows(gigabytes),
    pending: { '20260103000000_fails': fails },
  });
  const sizeBytes = Number(await world.psql(`SELECT pg_database_size('${world.database}')`));
  await using writers = await startWriters({ url: world.url, work: insertsOnly });
  await using run = await world.migrate();
  await writers.untilEachCommitted(10);
  const ledgers = await writers.stop();
  const { outputs, log } = run.result;
  if (outputs['recovery-method'] !== 'swap') throw new Error(`it was not recovered by swap:\n${log}`);
  const report: Report = JSON.parse(await readFile(outputs.report ?? '', 'utf8'));
  return {
    sizeBytes,
    recoveryMs: (report.recoverySeconds ?? 0) * 1000,
    longestPauseMs: Math.max(...ledgers.map((ledger) => ledger.longestPauseMs)),
    brokenSessions: ledgers.reduce((sum, ledger) => sum + ledger.brokenSessions, 0),
  };
}

function tell({ sizeBytes, recoveryMs, longestPauseMs, brokenSessions }: Measured): void {
  console.log(
    `${formatBytes(sizeBytes).padStart(7)}: recovered in ${Math.round(recoveryMs)} ms; longest pause of a client ` +
      `${Math.round(longestPauseMs)} ms; ${brokenSessions} sessions broken`,
  );
}

async function main(gigabytes: number): Promise<void> {
  await using cluster = await startPostgres({ settings: serverSettings });
  await using ceph = await startCeph();
  const small = await measure({ cluster, ceph }, 0);
  tell(small);
  const large = await measure({ cluster, ceph }, gigabytes);
  tell(large);
  const times = (value: number) => `${value.toFixed(1)} times`;
  console.log(
    `${times(large.sizeBytes / small.sizeBytes)} the size: ${times(large.recoveryMs / small.recoveryMs)} the recovery, ` +
      `${times(large.longestPauseMs / small.longestPauseMs)} the pause`,
  );
}

// Ctrl-C reaches the children by itself; what they belong to is then taken down in order.
process.on('SIGINT', () => {
  process.exitCode = 130;
});
await main(Number(process.argv[2] ?? 1));
