import { YoungGarbage } from '../../system/young-garbage.ts';

/** Passes chunks on and clears away those that are done with: plain text and ciphertext both pile up otherwise. */
export async function* clearingAway(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const garbage = new YoungGarbage();
  for await (const chunk of chunks) {
    yield chunk;
    garbage.add(2 * chunk.byteLength);
  }
}
