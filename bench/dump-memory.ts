import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes, formatDuration } from '../src/report/quantity.ts';
import type { Report } from '../src/report/report.ts';
import { startCeph } from '../test/support/ceph.ts';
import { addQuotations, erpMigrations, erpRows } from '../test/support/erp.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { createWorld } from '../test/support/world.ts';
import { largeRows, largeTables, serverSettings } from './large-database.ts';

/**
 * How much memory the action's own process needs for a large database: `npm run bench:memory [gigabytes]` migrates one
 * of 2 GB by the bundle, with a real server and a real bucket, and prints the peak of the process's resident set.
 * Exits 1 when it is above the limit.
 */
const limitBytes = 200_000_000;
const lookIntervalMs = 50;

/** The peak of a process's resident set, from the kernel; 0 when it is gone. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function main(gigabytes: number): Promise<void> {
  await using cluster = await startPostgres({ settings: serverSettings });
  await using ceph = await startCeph();
  console.log(`filling a database of ${gigabytes} GB`);
  await using world = await createWorld({
    cluster,
    ceph,
    applied: { ...erpMigrations, '20260102500000_large_tables': largeTables },
    rows: erpRows + largeRows(gigabytes),
    pending: { '20260103000000_add_quotations': addQuotations },
  });

  await using run = await world.startMigrate();
  const running = { isOver: false };
  const finished = run.finished.finally(() => {
    running.isOver = true;
  });
  let peak = 0;
  while (!running.isOver) {
    peak = Math.max(peak, await peakBytes(run.pid));
    await sleep(lookIntervalMs);
  }
  const { outputs, log } = await finished;
  if (outputs.result !== 'migrated') throw new Error(`the migration did not succeed:\n${log}`);

  const report: Report = JSON.parse(await readFile(outputs.report ?? '', 'utf8'));
  for (const { phase, durationMs, fact } of report.phases) {
    console.log(`${phase.padEnd(10)} ${formatDuration(durationMs).padStart(11)}  ${fact}`);
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
