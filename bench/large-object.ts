import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { startCountingS3 } from '../test/support/counting-s3.ts';
import { s3StorageFor } from '../test/support/s3-place.ts';

/**
 * Sends a generated object of a little more than 5 GiB, the most that a single PUT may hold, with the real client to a
 * server that holds every part to S3's rules and keeps only sizes. Too long for a test (some 25 s of one core).
 */

const mebibyte = 1024 ** 2;
/** What `yes safe-migrate` writes, hashed beforehand, by sha256sum. */
const block = Buffer.from('safe-migrate\n'.repeat(80_660));
const blocks = 5_123;
const content = {
  sizeBytes: 5_371_887_685,
  sha256: '1a2f318422451a9ebe8689e0a19096f811eb08beea493ce91a9714553d9af781',
};
const crc32OfContent = 35_368_007;

function* generated(): Generator<Buffer> {
  for (let number = 0; number < blocks; number += 1) yield block;
  yield block.subarray(0, 12_345);
}

await using server = await startCountingS3();
const url = `s3://bucket/backups?region=us-east-1&endpoint=${encodeURIComponent(server.endpoint)}`;
const storage = s3StorageFor(url, { accessKey: 'key', secretKey: 'secret' }, { keepsChecksums: true });
const startedAt = performance.now();
const { verified } = await storage.put({
  key: 'erp/backup_20261122_142500Z_scheduled/database.dump',
  body: Readable.from(generated(), { objectMode: false, highWaterMark: mebibyte }),
  estimatedBytes: content.sizeBytes,
  expected: Promise.resolve(content),
  signal: AbortSignal.timeout(600_000),
});
const seconds = (performance.now() - startedAt) / 1000;

const { parts, completed } = server;
assert(completed !== null);
assert.equal(completed.sizeBytes, content.sizeBytes);
assert.equal(Buffer.from(completed.crc32, 'base64').readUInt32BE(), crc32OfContent);
const sizes = [...parts.values()].toSorted((a, b) => a.number - b.number).map(({ sizeBytes }) => sizeBytes);
assert.deepEqual(
  completed.partNumbers,
  sizes.map((_, index) => index + 1),
);
assert.deepEqual(new Set(sizes.slice(0, -1)), new Set([8 * mebibyte]));
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  `${content.sizeBytes} bytes in ${sizes.length} parts of 8 MiB, ${seconds.toFixed(1)} s, at most ${peak} MiB, server included`,
);
console.log(verified);
