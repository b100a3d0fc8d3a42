import type { IncomingMessage } from 'node:http';
import { addAbortSignal, Readable } from 'node:stream';
import type { BackupLocation } from '../../report/report.ts';
import { SafeMigrateError } from '../../system/errors.ts';
import { stoppedBy } from '../port/stopped.ts';
import type { PutRequest, StoredObject } from '../port/storage.ts';
import type { ArtifactLocation } from '../port/storage-url.ts';
import type { StorageUse } from '../port/storage-use.ts';
import type { ArtifactAccess } from './artifact-access.ts';
import { AnswerError, type ArtifactAction, artifactError, artifactNotFound } from './artifact-errors.ts';
import { artifactName, keyOfArtifact } from './artifact-name.ts';
import { refusePlaintext, refuseWithoutArtifacts } from './check-artifacts.ts';
import { checkedContent } from './checked-content.ts';
import { OwnRun } from './own-run.ts';
import { putArtifact } from './put-artifact.ts';
import { type RepositoryArtifact, RepositoryArtifacts } from './repository-artifacts.ts';

/**
 * The artifacts of a repository as a storage. What this run does to its own artifacts goes with the job's token and
 * needs no permission; finding those of other runs needs `actions: read`, removing them `actions: write`.
 */
export class ArtifactStore {
  readonly #url: string;
  readonly #location: ArtifactLocation;
  readonly #access: ArtifactAccess;
  readonly #use: StorageUse;
  readonly #run: string;
  readonly #ownRun: OwnRun | null;
  readonly #repository: RepositoryArtifacts | null;
  /** What the last listing found, by key, newest first; null when it may have changed since. */
  #index: ReadonlyMap<string, readonly RepositoryArtifact[]> | null = null;

  constructor(url: string, location: ArtifactLocation, access: ArtifactAccess, use: StorageUse) {
    refuseWithoutArtifacts(access);
    this.#url = url;
    this.#location = location;
    this.#access = access;
    this.#use = use;
    this.#run = `${access.runId ?? 0}-${access.attempt}`;
    this.#ownRun = access.service === null ? null : new OwnRun(access.service);
    this.#repository =
      access.token === null || access.repository === null
        ? null
        : new RepositoryArtifacts(access.apiUrl, access.repository, access.token);
  }

  async check(signal: AbortSignal): Promise<readonly string[]> {
    const { isEncrypted, retentionDays } = this.#use;
    const { plaintextAllowed } = this.#location;
    refusePlaintext(this.#access.repository ?? '', {
      isEncrypted,
      plaintextAllowed,
      isPublic: isEncrypted ? null : await this.#isPublic(signal),
    });
    await this.#during(signal, 'write', this.#url, () => this.#own().holds('safe-migrate', signal));
    const granted = this.#access.maximumRetentionDays;
    if (granted === null || granted >= retentionDays) return [];
    return [
      `${this.#url} keeps artifacts for ${granted} days at most, not for ${retentionDays}: raise the repository's limit or lower retention-days`,
    ];
  }

  async put(request: PutRequest): Promise<BackupLocation> {
    const { key, signal } = request;
    const name = artifactName(this.#run, key);
    const url = this.#urlOf(key);
    const { service } = this.#access;
    const sha256 = await this.#during(signal, 'write', url, async () => {
      const run = this.#own();
      if (service === null) throw new TypeError('an own run without a service');
      return putArtifact({ access: { ...this.#access, service }, use: this.#use, run, name, url }, request);
    });
    this.#index = null;
    const kept = await this.#granted(name, signal);
    return { storage: 'artifact', url, verified: `${sha256}; ${kept}` };
  }

  async get(key: string, signal: AbortSignal): Promise<Readable> {
    const name = artifactName(this.#run, key);
    const url = this.#urlOf(key);
    return this.#during(signal, 'read', url, async () => {
      const { message, sha256 } = await this.#open(key, name, url, signal);
      return addAbortSignal(
        signal,
        Readable.from(checkedContent(message, { sha256, url, signal }), { objectMode: false }),
      );
    });
  }

  async list(
    prefix: string,
    signal: AbortSignal,
    onDoubt: (because: string) => void = () => {},
  ): Promise<readonly StoredObject[]> {
    return this.#during(signal, 'list', `${this.#url}/${prefix}`, async () => {
      const found: StoredObject[] = [];
      for (const [key, [artifact]] of await this.#readIndex(signal, onDoubt)) {
        if (artifact === undefined || !key.startsWith(prefix)) continue;
        found.push({
          key,
          sizeBytes: artifact.size_in_bytes,
          modifiedAt: new Date(artifact.created_at ?? 0).toISOString(),
          ...(artifact.expired ? { expiredAt: expiryOf(artifact) } : {}),
        });
      }
      return found.sort((a, b) => (a.key < b.key ? -1 : 1));
    });
  }

  async remove(key: string, signal: AbortSignal): Promise<void> {
    const name = artifactName(this.#run, key);
    await this.#during(signal, 'remove', this.#urlOf(key), async () => {
      const removed = (await this.#ownRun?.remove(name, signal)) ?? false;
      try {
        const repository = this.#others();
        const index = this.#index ?? (await this.#readIndex(signal));
        for (const artifact of index.get(key) ?? []) {
          if (artifact.name !== name || !removed) await repository.remove(artifact.id, signal);
        }
        // Listing a repository takes a request for every hundred artifacts: the rest is as it was.
        this.#index = new Map([...index].filter(([other]) => other !== key));
      } catch (error) {
        // Without the permission to look further, what this run itself had made is what there was to remove.
        if (!removed) throw error;
        this.#index = null;
      }
    });
  }

  /** The newest artifact of the key, of whichever run; without the permission to look there, of this one. */
  async #open(
    key: string,
    name: string,
    url: string,
    signal: AbortSignal,
  ): Promise<{ readonly message: IncomingMessage; readonly sha256: string | null }> {
    let refused: unknown = null;
    try {
      const [artifact] = (this.#index ?? (await this.#readIndex(signal))).get(key) ?? [];
      if (artifact === undefined) throw artifactNotFound(url);
      if (artifact.expired) throw artifactNotFound(url, `expired on ${expiryOf(artifact).slice(0, 10)}`);
      const sha256 = /^sha256:([0-9a-f]{64})$/.exec(artifact.digest ?? '')?.[1] ?? null;
      return { message: await this.#others().open(artifact.id, signal), sha256 };
    } catch (error) {
      const mayNotLook = error instanceof AnswerError && error.status === 403 && this.#ownRun !== null;
      if (!mayNotLook) throw error;
      refused = error;
    }
    const message = await this.#own().open(name, signal);
    if (message === null) throw refused;
    return { message, sha256: null };
  }

  async #readIndex(
    signal: AbortSignal,
    onDoubt: (because: string) => void = () => {},
  ): Promise<ReadonlyMap<string, readonly RepositoryArtifact[]>> {
    const index = new Map<string, RepositoryArtifact[]>();
    const { artifacts, isWhole } = await this.#others().all(signal);
    if (!isWhole) onDoubt('artifacts came or went every time that they were listed');
    // What is still there comes before what has expired, then the newest.
    for (const artifact of artifacts.toSorted(
      (a, b) => Number(a.expired) - Number(b.expired) || b.id - a.id,
    )) {
      const key = keyOfArtifact(artifact.name);
      if (key !== null) index.set(key, [...(index.get(key) ?? []), artifact]);
    }
    this.#index = index;
    return index;
  }

  /** For people: until when the artifact is kept, as GitHub says, or as far as it can be told. */
  async #granted(name: string, signal: AbortSignal): Promise<string> {
    const { retentionDays } = this.#use;
    const artifact = await this.#repository?.named(name, signal).catch(() => null);
    if (artifact?.expires_at) {
      const until = artifact.expires_at.slice(0, 10);
      const createdAt = Date.parse(artifact.created_at ?? new Date().toISOString());
      const days = Math.round((Date.parse(artifact.expires_at) - createdAt) / 86_400_000);
      return days >= retentionDays
        ? `kept for ${days} days, until ${until}`
        : `kept for ${days} days only, until ${until}, because the repository grants no more`;
    }
    const days = Math.min(retentionDays, this.#access.maximumRetentionDays ?? retentionDays);
    return `asked to be kept for ${days} days (what was granted needs \`actions: read\` to be read)`;
  }

  /** null when neither the event nor GitHub tells. */
  async #isPublic(signal: AbortSignal): Promise<boolean | null> {
    if (this.#access.isPublic !== null) return this.#access.isPublic;
    return (await this.#repository?.isPublic(signal).catch(() => null)) ?? null;
  }

  #own(): OwnRun {
    if (this.#ownRun !== null) return this.#ownRun;
    throw new SafeMigrateError({
      code: 'SM_ARTIFACT_UNAVAILABLE',
      message: 'the runner gave this step no access to the artifact service of its run',
      hint: 'artifact:// works in a step that `uses:` this action, not in one that starts it by `run:`. Otherwise use s3:// or file://.',
      docs: 'storage.md',
    });
  }

  #others(): RepositoryArtifacts {
    if (this.#repository !== null) return this.#repository;
    throw new SafeMigrateError({
      code: 'SM_STORAGE_CREDENTIALS',
      message: `there is no token with which ${this.#url} could be read`,
      hint: 'Leave `github-token` out, so that it is the job’s own.',
      docs: 'storage.md',
    });
  }

  #urlOf(key: string): string {
    return `${this.#url}/${key}`;
  }

  async #during<T>(
    signal: AbortSignal,
    action: ArtifactAction,
    url: string,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      if (signal.aborted) throw stoppedBy(signal, url);
      throw artifactError(error, action, url);
    }
  }
}

function expiryOf(artifact: RepositoryArtifact): string {
  return new Date(artifact.expires_at ?? artifact.created_at ?? 0).toISOString();
}
