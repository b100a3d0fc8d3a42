import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { crc32 } from 'node:zlib';
import { SafeMigrateError } from '../../system/errors.ts';
import { storageMismatch } from './mismatch.ts';
import type { ExpectedContent } from './storage.ts';

/**
 * Stands between a body and the place where it is stored: measures what passes and lets the end pass only
 * when it is what was expected. So a wrong or truncated body is never completed in the first place.
 */
export class ContentGate extends Transform {
  readonly #expected: Promise<ExpectedContent>;
  readonly #maximumBytes: number;
  readonly #url: string;
  readonly #sha256 = createHash('sha256');
  #crc32 = 0;
  #sizeBytes = 0;
  #passed: PassedContent | null = null;

  /** @param options.maximumBytes where this storage must give up; @param options.url for messages */
  constructor(options: {
    readonly expected: Promise<ExpectedContent>;
    readonly maximumBytes: number;
    readonly url: string;
  }) {
    super();
    this.#expected = options.expected;
    this.#maximumBytes = options.maximumBytes;
    this.#url = options.url;
    // Whoever made the promise learns of its rejection elsewhere when the body never gets to its end.
    this.#expected.catch(() => {});
  }

  /** What has passed to the end and was as expected; null before, and for ever when it was not. */
  get passed(): PassedContent | null {
    return this.#passed;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#sizeBytes += chunk.byteLength;
    if (this.#sizeBytes > this.#maximumBytes) {
      done(
        new SafeMigrateError({
          code: 'SM_STORAGE_TOO_LARGE',
          message: `${this.#url} cannot take more than ${this.#maximumBytes} bytes in the parts that were planned`,
          hint: 'The dump is far larger than the database was estimated to be: please report it with the log of this job.',
          docs: 'storage.md',
        }),
      );
      return;
    }
    this.#sha256.update(chunk);
    this.#crc32 = crc32(chunk, this.#crc32);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    const sizeBytes = this.#sizeBytes;
    const sha256 = this.#sha256.digest('hex');
    this.#expected.then(
      (expected) => {
        if (expected.sizeBytes !== sizeBytes || expected.sha256 !== sha256) {
          done(storageMismatch(this.#url, expected, { sizeBytes, sha256 }));
          return;
        }
        this.#passed = { sizeBytes, sha256, crc32: this.#crc32 };
        done();
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
  }
}

/** A content that was read to its end. */
export interface PassedContent extends ExpectedContent {
  /** CRC-32 of the whole, unsigned. */
  readonly crc32: number;
}
