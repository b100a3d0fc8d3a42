import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { sha256Of } from '../../../src/storage/port/sha256-of.ts';

const mebibyte = 1024 ** 2;
const chunkBytes = 64 * 1024;

test('a long stream that is only hashed leaves no heap of buffers behind', async () => {
  let peakBytes = 0;
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < 512 * mebibyte; sent += chunkBytes) {
      // As sockets do: a new buffer for everything that arrives.
      yield Buffer.allocUnsafeSlow(chunkBytes);
      peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers);
    }
  }
  const { sizeBytes } = await sha256Of(Readable.from(chunks()));
  expect(sizeBytes).toBe(512 * mebibyte);
  // 8 MiB are tolerated; V8 alone lets 65 MiB pile up.
  expect(peakBytes).toBeLessThan(32 * mebibyte);
});
