import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { startCountingS3 } from '../../support/counting-s3.ts';
import { s3StorageFor } from '../../support/s3-place.ts';
import { mebibyte } from '../../support/storage-contract.ts';

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

test('s3:// holds an object beyond 5 GiB, the most that a single PUT may hold, in parts that S3 accepts', {
  timeout: 600_000,
}, async () => {
  await using server = await startCountingS3();
  const url = `s3://bucket/backups?region=us-east-1&endpoint=${encodeURIComponent(server.endpoint)}`;
  const storage = s3StorageFor(url, { accessKey: 'key', secretKey: 'secret' }, { keepsChecksums: true });
  const { verified } = await storage.put({
    key: 'erp/backup_20261122_142500Z_scheduled/database.dump',
    body: Readable.from(generated(), { objectMode: false, highWaterMark: mebibyte }),
    estimatedBytes: content.sizeBytes,
    expected: Promise.resolve(content),
    signal: AbortSignal.timeout(600_000),
  });

  expect(verified).toMatch(/CRC-?32/i);
  const { parts, completed } = server;
  expect(completed?.sizeBytes).toBe(content.sizeBytes);
  expect(Buffer.from(completed?.crc32 ?? '', 'base64').readUInt32BE()).toBe(crc32OfContent);
  const sizes = [...parts.values()].toSorted((a, b) => a.number - b.number).map(({ sizeBytes }) => sizeBytes);
  expect(completed?.partNumbers).toEqual(sizes.map((_, index) => index + 1));
  expect(new Set(sizes.slice(0, -1))).toEqual(new Set([8 * mebibyte]));
});
