import { fileStorage } from './file/file-storage.ts';
import { s3Storage } from './s3/s3-storage.ts';
import type { Storage } from './storage.ts';
import type { StorageUrl } from './storage-url.ts';

/** The storage behind a parsed URL. Opens nothing yet: `check()` does. */
export function openStorage(url: StorageUrl): Storage {
  return url.kind === 's3' ? s3Storage(url) : fileStorage(url);
}
