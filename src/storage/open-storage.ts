import type { ArtifactAccess } from './artifact/artifact-access.ts';
import { artifactStorage } from './artifact/artifact-storage.ts';
import { fileStorage } from './file/file-storage.ts';
import type { Storage } from './port/storage.ts';
import type { StorageUrl } from './port/storage-url.ts';
import type { StorageUse } from './port/storage-use.ts';
import { s3Storage } from './s3/s3-storage.ts';

/** The storage behind a parsed URL. Opens nothing yet: `check()` does. */
export function openStorage(url: StorageUrl, use: StorageUse, access: ArtifactAccess): Storage {
  switch (url.kind) {
    case 's3':
      return s3Storage(url);
    case 'file':
      return fileStorage(url);
    case 'artifact':
      return artifactStorage(url, access, use);
  }
}
