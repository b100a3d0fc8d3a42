import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest folder above (or at) `directory` that is a git checkout; `workspace` where there is none. */
export function repositoryRootOf(directory: string, workspace: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return workspace;
  }
}
