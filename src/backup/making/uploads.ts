import { Readable } from 'node:stream';
import { formatBytes } from '../../report/quantity.ts';
import type { BackupLocation } from '../../report/report.ts';
import { LeftBehindError } from '../../storage/port/left-behind.ts';
import type { Storage } from '../../storage/port/storage.ts';
import { digestOf } from '../encryption/digest.ts';
import { manifestName } from '../manifest/manifest.ts';
import type { Outgoing } from './outgoing.ts';
import type { SealedDetails } from './seal-details.ts';

/** The same backup on its way to every storage at once: its dump, then its details, its manifest last. */
export class Uploads {
  readonly #storages: readonly Storage[];
  readonly #folder: string;
  readonly #file: Outgoing;
  readonly #signal: AbortSignal;
  readonly #sentBytes: number[];
  readonly #dumps: readonly Promise<BackupLocation>[];
  /** Empty until the dumps are complete: the details' name, then what became of both small files in each storage. */
  #detailsName = '';
  #details: readonly Promise<BackupLocation>[] = [];
  #manifests: readonly Promise<BackupLocation>[] = [];

  constructor(
    storages: readonly Storage[],
    options: {
      readonly folder: string;
      readonly file: Outgoing;
      readonly estimatedBytes: number;
      readonly signal: AbortSignal;
      readonly onFailure: (error: unknown) => void;
    },
  ) {
    this.#storages = storages;
    this.#folder = options.folder;
    this.#file = options.file;
    this.#signal = options.signal;
    this.#sentBytes = storages.map(() => 0);
    this.#dumps = storages.map((storage, index) => {
      const upload = storage.put({
        key: `${options.folder}/${options.file.name}`,
        body: options.file.follow(),
        path: options.file.path,
        estimatedBytes: options.estimatedBytes,
        expected: options.file.content,
        signal: options.signal,
        onProgress: (sentBytes) => {
          this.#sentBytes[index] = sentBytes;
        },
      });
      upload.catch(options.onFailure);
      return upload;
    });
  }

  progressText(): string {
    const sentBytes = Math.min(...this.#sentBytes);
    return sentBytes > 0 ? `, ${formatBytes(sentBytes)} uploaded` : '';
  }

  /**
   * Completes the uploads of a file that was released, then writes the details, then the manifests: only now does the
   * backup exist.
   */
  async finish(details: SealedDetails, manifestText: string): Promise<readonly BackupLocation[]> {
    const locations = await Promise.all(this.#dumps);
    this.#detailsName = details.field.name;
    this.#details = this.#putAll(details.field.name, details.content);
    await Promise.all(this.#details);
    this.#manifests = this.#putAll(manifestName, Buffer.from(manifestText));
    await Promise.all(this.#manifests);
    return this.#storages.map((storage, index) => ({
      storage: storage.kind,
      url: `${storage.url}/${this.#folder}`,
      verified: locations[index]?.verified ?? '',
    }));
  }

  #putAll(name: string, content: Buffer): readonly Promise<BackupLocation>[] {
    return this.#storages.map((storage) =>
      storage.put({
        key: `${this.#folder}/${name}`,
        body: Readable.from([content]),
        estimatedBytes: content.length,
        expected: Promise.resolve(digestOf(content)),
        signal: this.#signal,
      }),
    );
  }

  /**
   * After a failure: waits until every upload has cleaned up behind itself and removes what was complete
   * already, manifest first. Not with the run's signal, which may be what ended it. Rejects when something may be left.
   */
  async discard(): Promise<void> {
    const dumps = await Promise.allSettled(this.#dumps);
    const details = await Promise.allSettled(this.#details);
    // One that arrives after it was removed would promise a backup that is not there.
    const manifests = await Promise.allSettled(this.#manifests);
    const signal = AbortSignal.timeout(30_000);
    const removals = await Promise.allSettled(
      this.#storages.map(async (storage, index) => {
        const dump = dumps[index];
        // Whose own cleaning up failed may have left an object. Any other failure left none of ours, but maybe another's.
        const isLeft = [dump, details[index], manifests[index]].some(leftBehind);
        if (isLeft) await storage.abandon(`${this.#folder}/`, signal);
        if (dump?.status !== 'fulfilled' && !isLeft) return;
        await storage.remove(`${this.#folder}/${manifestName}`, signal);
        if (this.#detailsName !== '') await storage.remove(`${this.#folder}/${this.#detailsName}`, signal);
        await storage.remove(`${this.#folder}/${this.#file.name}`, signal);
      }),
    );
    const errors = removals.filter((removal) => removal.status === 'rejected').map(({ reason }) => reason);
    if (errors.length > 0) {
      throw new AggregateError(
        errors,
        errors.map((error) => (error instanceof Error ? error.message : error)).join('; '),
      );
    }
  }
}

function leftBehind(outcome: PromiseSettledResult<unknown> | undefined): boolean {
  return outcome?.status === 'rejected' && outcome.reason instanceof LeftBehindError;
}
