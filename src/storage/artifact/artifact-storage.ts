import type { Readable } from 'node:stream';
import type { BackupLocation } from '../../report/report.ts';
import type { PutRequest, Storage, StoredObject } from '../port/storage.ts';
import type { ArtifactLocation } from '../port/storage-url.ts';
import type { StorageUse } from '../port/storage-use.ts';
import type { ArtifactAccess } from './artifact-access.ts';
import type { ArtifactStore } from './artifact-store.ts';

/**
 * Backups as artifacts of the workflow's runs. The client is loaded with the first request: a run that is refused
 * for a bad input does not wait for it.
 */
export function artifactStorage(
  location: ArtifactLocation,
  access: ArtifactAccess,
  use: StorageUse,
): Storage {
  return new LazyArtifactStorage(location, access, use);
}

class LazyArtifactStorage implements Storage {
  readonly kind = 'artifact';
  readonly url: string;
  readonly #open: () => Promise<ArtifactStore>;
  #store: Promise<ArtifactStore> | null = null;

  constructor(location: ArtifactLocation, access: ArtifactAccess, use: StorageUse) {
    this.url = `artifact://${access.repository ?? ''}`;
    this.#open = async () => {
      const { ArtifactStore } = await import('./artifact-store.ts');
      return new ArtifactStore(this.url, location, access, use);
    };
  }

  async check(signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#loaded()).check(signal);
  }

  async put(request: PutRequest): Promise<BackupLocation> {
    try {
      return await (await this.#loaded()).put(request);
    } finally {
      // A body that was not read to its end must not keep what it reads from open.
      request.body.destroy();
    }
  }

  async get(key: string, signal: AbortSignal): Promise<Readable> {
    return (await this.#loaded()).get(key, signal);
  }

  async list(
    prefix: string,
    signal: AbortSignal,
    onDoubt?: (because: string) => void,
  ): Promise<readonly StoredObject[]> {
    return (await this.#loaded()).list(prefix, signal, onDoubt);
  }

  /** What was never finished has no name by which it could be found; GitHub discards it. */
  async abandon(): Promise<void> {}

  async remove(key: string, signal: AbortSignal): Promise<void> {
    await (await this.#loaded()).remove(key, signal);
  }

  #loaded(): Promise<ArtifactStore> {
    this.#store ??= this.#open();
    return this.#store;
  }
}
