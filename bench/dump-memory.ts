import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes, formatDuration } from '../src/report/quantity.ts';
import type { Report } from '../src/report/report.ts';
import { startCeph } from '../test/support/ceph.ts';
import { addQuotations } from '../test/support/erp.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { createWorld } from '../test/support/world.ts';

/**
 * How much memory the action's own process needs for a large database: `npm run bench:memory [gigabytes]` migrates one
 * of 2 GB by the bundle, with a real server and a real bucket, and prints the peak of the process's resident set.
 * Exits 1 when it is above the limit.
 */
const limitBytes = 200_000_000;
const tables = ['Document', 'Message', 'Event', 'Attachment'];
const rowBytes = 1024;

/** Rows of some `rowBytes` of hexadecimal digits: text that an archive cannot make much smaller than half. */
function fillTables(gigabytes: number): string {
  const rows = Math.round((gigabytes * 1024 ** 3) / tables.length / rowBytes);
  const text = Array.from({ length: 30 }, (_, index) => `md5(n || '-${index}')`).join(' || ');
  const inserts = tables.map(
    (table) => `INSERT INTO "${table}" ("text") SELECT ${text} FROM generate_series(1, ${rows}) n;`,
  );
  return [...inserts, 'ANALYZE;'].join('\n');
}

const createTables = tables.map((table) => `CREATE TABLE "${table}" ("id" SERIAL PRIMARY KEY, "text" TEXT);`);
const createCustomers = `CREATE TABLE "Customer" ("id" SERIAL PRIMARY KEY);`;

/** The peak of a process's resident set, from the kernel; 0 when it is gone. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function main(gigabytes: number): Promise<void> {
  await using cluster = await startPostgres({
    settings: ['max_wal_size = 8GB', 'checkpoint_timeout = 30min'],
  });
  await using ceph = await startCeph();
  console.log(`filling a database of ${gigabytes} GB`);
  await using world = await createWorld({
    cluster,
    ceph,
    applied: { '20260101000000_init': [...createTables, createCustomers].join('\n') },
    rows: fillTables(gigabytes),
    pending: { '20260102000000_next': addQuotations },
  });

  await using run = await world.startMigrate();
  const running = { isOver: false };
  const finished = run.finished.finally(() => {
    running.isOver = true;
  });
  let peak = 0;
  while (!running.isOver) {
    peak = Math.max(peak, await peakBytes(run.pid));
    await sleep(50);
  }
  const { outputs, log } = await finished;
  if (outputs.result !== 'migrated') throw new Error(`the migration did not succeed:\n${log}`);

  const report: Report = JSON.parse(await readFile(outputs.report ?? '', 'utf8'));
  for (const { phase, durationMs, fact } of report.phases) {
    console.log(`${phase.padEnd(10)} ${formatDuration(durationMs).padStart(9)}  ${fact}`);
  }
  console.log(
    `peak resident set of the action's process: ${formatBytes(peak)} (limit ${formatBytes(limitBytes)})`,
  );
  if (peak > limitBytes) process.exitCode = 1;
}

// Ctrl-C reaches the children by itself; what they belong to is then taken down in order.
process.on('SIGINT', () => {
  process.exitCode = 130;
});
await main(Number(process.argv[2] ?? 2));
