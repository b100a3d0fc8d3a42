import { parentPort } from 'node:worker_threads';

/** What the worker is told. */
export interface UploadOrder {
  /** Of the file, which the client names the artifact after. */
  readonly path: string;
  readonly folder: string;
  readonly retentionDays: number;
  /** Where the client reads where to go. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the worker answers to each order: any number of times how far it is, then once how it ended. */
export type UploadAnswer =
  | { readonly sentBytes: number }
  | { readonly uploaded: { readonly sha256: string; readonly sizeBytes: number } }
  | { readonly failed: { readonly name: string; readonly message: string } };

/**
 * The toolkit's artifact client in a thread of its own. It cannot be told to stop, and it prints every block that it
 * sends to stdout: a thread can be ended at any moment, and what it prints stays in it.
 */
async function upload(order: UploadOrder): Promise<UploadAnswer> {
  try {
    Object.assign(process.env, order.environment);
    const { DefaultArtifactClient } = await import('@actions/artifact');
    const { digest, size } = await new DefaultArtifactClient().uploadArtifact(
      // Without an archive the name is the file's, whatever stands here.
      'safe-migrate',
      [order.path],
      order.folder,
      // Dumps are compressed and ciphertext does not compress: the file goes up as it is.
      { retentionDays: order.retentionDays, skipArchive: true },
    );
    return { uploaded: { sha256: digest ?? '', sizeBytes: size ?? 0 } };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { failed: { name, message } };
  }
}

// In the main thread, where a test loads every file of dist/, there is nobody to take orders from.
if (parentPort !== null) {
  const port = parentPort;
  const answer = (given: UploadAnswer): void => port.postMessage(given);
  process.stdout.write = (text) => {
    // The client says nowhere else how far it is.
    const sentBytes = /^Uploaded bytes (\d+)$/m.exec(String(text))?.[1];
    if (sentBytes !== undefined) answer({ sentBytes: Number(sentBytes) });
    return true;
  };
  port.on('message', async (order: UploadOrder) => answer(await upload(order)));
}
