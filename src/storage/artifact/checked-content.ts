import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { SafeMigrateError } from '../../system/errors.ts';
import { stoppedBy } from '../port/stopped.ts';
import { artifactError } from './artifact-errors.ts';

/**
 * A download as it comes, that fails at its end when it is not what the artifact's digest says: the toolkit's client
 * computed it from what it sent. `sha256`: hex; null where none is known.
 */
export async function* checkedContent(
  body: Readable,
  of: { readonly sha256: string | null; readonly url: string; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    if (of.signal.aborted) throw stoppedBy(of.signal, of.url);
    throw artifactError(error, 'read', of.url);
  }
  if (of.sha256 === null || hash.digest('hex') === of.sha256) return;
  throw new SafeMigrateError({
    code: 'SM_STORAGE_DAMAGED',
    message: `${of.url} is not what was uploaded: its SHA-256 differs from the artifact's digest`,
    hint: 'Use another backup, or another storage that holds this one.',
    docs: 'storage.md',
  });
}
