import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GrowingFile } from '../src/backup/making/growing-file.ts';
import { startCeph } from '../test/support/ceph.ts';
import { s3Place } from '../test/support/s3-place.ts';

/**
 * Peak memory of node while a dump of `GIGABYTES` [2] goes to disk and to a real S3 server at the same time.
 * The server is another process. It must not grow with the size; what the whole action needs is dump-memory.ts's to tell.
 * Run: GIGABYTES=4 node bench/upload-memory.ts
 */
const sizeBytes = Number(process.env.GIGABYTES ?? '2') * 1024 ** 3;
const folder = await mkdtemp(join(tmpdir(), 'safe-migrate-bench-'));
try {
  await using ceph = await startCeph();
  await using place = await s3Place(ceph);
  // The SDK is loaded and has connected once: what is measured is the stream.
  await place.storage.check(new AbortController().signal);
  const idleMebibytes = peakMebibytes();
  console.log(`before       ${idleMebibytes} MiB peak RSS`);

  await using file = await GrowingFile.create(join(folder, 'database.dump'));
  const startedAt = performance.now();
  const upload = place.storage.put({
    key: 'db/id/database.dump',
    body: file.follow(),
    estimatedBytes: sizeBytes,
    expected: file.content,
    signal: new AbortController().signal,
  });
  // As pg_dump does it: another process whose stdout never waits for the network.
  const dump = spawn('head', ['-c', String(sizeBytes), '/dev/urandom'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await pipeline(dump.stdout, file.writer);
  console.log(`written      ${secondsSince(startedAt)} s, ${peakMebibytes()} MiB peak RSS`);
  await file.verify();
  file.release();
  const { verified } = await upload;
  console.log(`stored       ${secondsSince(startedAt)} s, ${peakMebibytes()} MiB peak RSS; ${verified}`);
  console.log(
    `the stream   ${peakMebibytes() - idleMebibytes} MiB above idle for ${sizeBytes / 1024 ** 3} GiB`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

function peakMebibytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

function secondsSince(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}
