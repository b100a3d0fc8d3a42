import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { sha256OfFile } from '../../storage/port/sha256-of.ts';
import type { ExpectedContent } from '../../storage/port/storage.ts';
import { diskError } from '../../system/disk-error.ts';
import { SafeMigrateError } from '../../system/errors.ts';

/** What a follower reads at a time. Large enough for few system calls, small enough to hold several. */
const chunkBytes = 64 * 1024;

/**
 * The dump on its way: written once to disk while it is measured, and read from there by every storage at its
 * own pace while it grows. Readers never slow the writer down and nothing is held in memory for them.
 *
 * `pipeline(child.stdout, sink)` resolves although the child failed, so the end of the writer alone never ends
 * the followers: they end when `release()` says that the content is good, or fail when `fail()` says it is not.
 */
export class GrowingFile implements AsyncDisposable {
  readonly path: string;
  /** Where the dump goes; ends when the bytes are all written. */
  readonly writer: Writable;
  /** Length and SHA-256 of what was written, once the writer has ended. */
  readonly content: Promise<ExpectedContent>;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  readonly #settle: PromiseWithResolvers<ExpectedContent>;
  /** Called whenever there is something new to see: more bytes, the release, a failure. */
  readonly #waiting = new Set<() => void>();
  readonly #followers = new Set<Readable>();
  #sizeBytes = 0;
  #written = false;
  #released = false;
  #failure: Error | null = null;
  #closing: Promise<void> | null = null;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
    this.#settle = Promise.withResolvers();
    this.content = this.#settle.promise;
    // Whoever needs the content awaits it; nobody else must be hurt by its rejection.
    this.content.catch(() => {});
    this.writer = this.#makeWriter();
    // The failure is told by `content` and by the followers; a writer that nobody pipes to yet tells no one.
    this.writer.on('error', () => {});
  }

  /** Creates the file, readable by nobody else (0600). The folder exists; a file of that name does not. */
  static async create(path: string): Promise<GrowingFile> {
    try {
      return new GrowingFile(path, await open(path, 'wx+', 0o600));
    } catch (error) {
      throw diskError(error, path, 0);
    }
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Reads the file from its start, waiting where it has not grown yet. Any number of times, at any time. */
  follow(): Readable {
    let position = 0;
    let wake: (() => void) | null = null;
    const next = async (): Promise<Buffer | null> => {
      while (position >= this.#sizeBytes) {
        if (this.#failure !== null) throw this.#failure;
        if (this.#written && this.#released) return null;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        this.#waiting.add(resolve);
        await promise;
        this.#waiting.delete(resolve);
        if (follower.destroyed) return null;
      }
      const length = Math.min(chunkBytes, this.#sizeBytes - position);
      const { bytesRead, buffer } = await this.#handle.read(
        Buffer.allocUnsafeSlow(length),
        0,
        length,
        position,
      );
      if (bytesRead === 0) throw damaged(this.path, 'it is shorter than what was written to it');
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    };
    const follower = new Readable({
      highWaterMark: chunkBytes,
      read() {
        next().then(
          (chunk) => this.push(chunk),
          (error: Error) => this.destroy(error),
        );
      },
      destroy: (error, done) => {
        this.#followers.delete(follower);
        wake?.();
        done(error);
      },
    });
    // Whoever reads it sees the failure; one that nobody reads yet must not end the process.
    follower.on('error', () => {});
    this.#followers.add(follower);
    if (this.#failure !== null) follower.destroy(this.#failure);
    return follower;
  }

  /** The content is good: followers may end. Called once the writer has ended and the content is proved. */
  release(): void {
    if (!this.#written) throw new TypeError('a growing file is released before it is written');
    this.#released = true;
    this.#wakeAll();
  }

  /**
   * The content is not good: writer and followers, present and future, are destroyed with the error. After
   * release() as well, for followers that are not done.
   */
  fail(error: unknown): void {
    if (this.#failure !== null) return;
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#failure = failure;
    this.#settle.reject(failure);
    if (!this.#written) this.writer.destroy(failure);
    for (const follower of [...this.#followers]) follower.destroy(failure);
    this.#wakeAll();
  }

  /** Reads the file back from disk and compares. Rejects with SM_DUMP_DAMAGED. */
  async verify(): Promise<void> {
    const expected = await this.content;
    let held: ExpectedContent;
    try {
      // By name, as pg_restore will read it.
      const handle = await open(this.path, 'r');
      held = await sha256OfFile(handle).finally(() => handle.close());
    } catch (error) {
      throw damaged(this.path, 'it cannot be read back', error);
    }
    if (held.sizeBytes !== expected.sizeBytes) {
      throw damaged(this.path, `${expected.sizeBytes} bytes were written, ${held.sizeBytes} are there`);
    }
    if (held.sha256 !== expected.sha256) {
      throw damaged(this.path, 'its SHA-256 is not that of what was written');
    }
  }

  /** Ends whatever still reads or writes and removes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!(this.#written && this.#released && this.#followers.size === 0)) {
      this.fail(new Error(`${this.path} was removed before it was read to its end`));
    }
    this.#closing ??= this.#handle.close();
    await this.#closing;
    await rm(this.path, { force: true });
  }

  #makeWriter(): Writable {
    const write = async (chunks: readonly Buffer[]): Promise<void> => {
      for (const chunk of chunks) {
        for (let at = 0; at < chunk.byteLength; ) {
          // A nearly full disk takes a part of it first; only the next attempt tells that it is full.
          const { bytesWritten } = await this.#handle.write(
            chunk,
            at,
            chunk.byteLength - at,
            this.#sizeBytes,
          );
          this.#hash.update(chunk.subarray(at, at + bytesWritten));
          at += bytesWritten;
          this.#sizeBytes += bytesWritten;
        }
        this.#wakeAll();
      }
    };
    const settle = (work: Promise<void>, done: (error?: Error | null) => void): void => {
      work.then(
        () => done(),
        (error: unknown) => done(diskError(error, this.path, this.#sizeBytes)),
      );
    };
    return new Writable({
      highWaterMark: 4 * chunkBytes,
      write: (chunk: Buffer, _encoding, done) => settle(write([chunk]), done),
      writev: (chunks, done) => settle(write(chunks.map(({ chunk }) => chunk as Buffer)), done),
      final: (done) => {
        this.#written = true;
        this.#settle.resolve({ sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') });
        this.#wakeAll();
        done();
      },
      destroy: (error, done) => {
        if (error !== null) this.fail(error);
        else if (!this.#written) this.fail(new Error(`writing ${this.path} was stopped before its end`));
        done(error);
      },
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

function damaged(path: string, how: string, cause?: unknown): SafeMigrateError {
  return new SafeMigrateError({
    code: 'SM_DUMP_DAMAGED',
    message: `the dump on disk is damaged: ${how} (${path})`,
    hint: 'Nothing was touched. Run the job again; when it happens again, look at the disk of the runner.',
    cause,
  });
}
