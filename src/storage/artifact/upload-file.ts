import { Worker } from 'node:worker_threads';
import type { ExpectedContent } from '../port/storage.ts';
import type { ArtifactAccess } from './artifact-access.ts';
import type { UploadAnswer, UploadOrder } from './upload-worker.ts';

/** Beside the bundle's other files, or beside this one. */
const workerUrl = new URL(
  import.meta.url.endsWith('.ts') ? './upload-worker.ts' : './artifact-upload.js',
  import.meta.url,
);

type Outcome = Exclude<UploadAnswer, { readonly sentBytes: number }>;

/** A worker that has done its work well and waits for more; loading the client takes longer than a small upload. */
let idle: UploadWorker | null = null;

/**
 * Uploads a file as an artifact of this run with the toolkit's client and returns what the client says to have sent.
 * Ends it when `signal` is aborted; what the service made of it by then is for the caller to look at.
 */
export async function uploadFile(
  access: ArtifactAccess & { readonly service: NonNullable<ArtifactAccess['service']> },
  file: Omit<UploadOrder, 'environment'>,
  options: { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void },
): Promise<ExpectedContent> {
  options.signal.throwIfAborted();
  const worker = idle ?? new UploadWorker();
  idle = null;
  const answer = await worker.do(
    {
      ...file,
      environment: {
        ACTIONS_RESULTS_URL: access.service.url,
        ACTIONS_RUNTIME_TOKEN: access.service.token.reveal(),
        GITHUB_SERVER_URL: access.serverUrl,
      },
    },
    options,
  );
  idle = worker;
  if ('failed' in answer) throw new ClientError(answer.failed.name, answer.failed.message);
  return answer.uploaded;
}

class UploadWorker {
  /** Its stdout and stderr are its own and never read: a reader would keep this process alive. */
  readonly #worker = new Worker(workerUrl, { env: { ...process.env }, stdout: true, stderr: true });

  /** One order at a time. On rejection the worker is at its end. */
  async do(
    order: UploadOrder,
    {
      signal,
      onProgress,
    }: { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void },
  ): Promise<Outcome> {
    const worker = this.#worker;
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const stop = (): void => reject(signal.reason);
    const ended = (): void => reject(new Error('the upload ended without an answer'));
    const heard = (answer: UploadAnswer): void => {
      if ('sentBytes' in answer) onProgress(answer.sentBytes);
      else resolve(answer);
    };
    signal.addEventListener('abort', stop, { once: true });
    worker.on('message', heard).on('error', reject).on('exit', ended);
    worker.ref();
    worker.postMessage(order);
    try {
      return await promise;
    } catch (error) {
      await worker.terminate();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      worker.off('message', heard).off('error', reject).off('exit', ended);
      // Waiting for more work must not keep the process alive.
      worker.unref();
    }
  }
}

/** An error of the toolkit's client, by its name there (`UsageError`, `NetworkError`). */
class ClientError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}
