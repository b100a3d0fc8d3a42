import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { ContentGate } from '../../../src/storage/port/content-gate.ts';

const bytes = Buffer.from('a dump');
const expected = { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };

function through(gate: ContentGate): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  return pipeline(Readable.from([bytes.subarray(0, 2), bytes.subarray(2)]), gate, async (content) => {
    for await (const chunk of content) chunks.push(chunk as Buffer);
  }).then(() => chunks);
}

test('what is expected passes unchanged, and is measured', async () => {
  const gate = new ContentGate({ expected: Promise.resolve(expected), maximumBytes: 6, url: 's3://b/k' });
  expect(gate.passed).toBeNull();
  expect(Buffer.concat(await through(gate)).equals(bytes)).toBe(true);
  expect(gate.passed).toEqual({ ...expected, crc32: crc32(bytes) });
});

test.each([
  ['another length', { ...expected, sizeBytes: 7 }],
  ['another content', { ...expected, sha256: '0'.repeat(64) }],
])('%s does not get to its end', async (_what, other) => {
  const gate = new ContentGate({ expected: Promise.resolve(other), maximumBytes: 6, url: 's3://b/k' });
  await expect(through(gate)).rejects.toMatchObject({
    code: 'SM_STORAGE_MISMATCH',
    message: expect.stringContaining('s3://b/k'),
  });
  expect(gate.passed).toBeNull();
});

test('more than the storage can take is told while it comes', async () => {
  const gate = new ContentGate({ expected: Promise.resolve(expected), maximumBytes: 5, url: 's3://b/k' });
  await expect(through(gate)).rejects.toMatchObject({ code: 'SM_STORAGE_TOO_LARGE' });
});

test('a content that will never be known does not get to its end', async () => {
  const gate = new ContentGate({
    expected: Promise.reject(new Error('dump failed')),
    maximumBytes: 6,
    url: 's3://b/k',
  });
  await expect(through(gate)).rejects.toThrow('dump failed');
});
