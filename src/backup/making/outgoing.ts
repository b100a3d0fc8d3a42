import type { Readable } from 'node:stream';
import type { ExpectedContent } from '../../storage/port/storage.ts';
import { dumpName, type Manifest } from '../manifest/manifest.ts';
import type { GrowingFile } from './growing-file.ts';

/** The file that all storages get, while it is still being made. */
export interface Outgoing extends AsyncDisposable {
  /** Its name in the backup's folder. */
  readonly name: Manifest['file']['name'];
  readonly path: string;
  /** Length and SHA-256, known before its followers end. */
  readonly content: Promise<ExpectedContent>;
  /** Reads it from its start, waiting where it has not grown yet; ends after `release`. */
  follow(): Readable;
  /** The dump is proved: lets the followers come to their end. */
  release(): Promise<ExpectedContent>;
}

/** The dump itself, for backups that are not encrypted. It stays its owner's to dispose of. */
export function outgoingDump(dump: GrowingFile): Outgoing {
  return {
    name: dumpName,
    path: dump.path,
    content: dump.content,
    follow: () => dump.follow(),
    release() {
      dump.release();
      return dump.content;
    },
    async [Symbol.asyncDispose]() {},
  };
}
