/**
 * Passes a body on up to a length, and ends it with `tooLong()` as soon as there is more: a server that never comes to an
 * end fills neither disk nor memory.
 */
export function atMost(
  maximumBytes: number,
  tooLong: () => Error,
): (body: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array> {
  return async function* (body) {
    let sizeBytes = 0;
    for await (const chunk of body) {
      sizeBytes += chunk.byteLength;
      if (sizeBytes > maximumBytes) throw tooLong();
      yield chunk;
    }
  };
}
