import * as core from '@actions/core';

const workFolderKey = 'work-folder';

/** What main leaves for post of the same step. This module is the only reader and writer of the step's state. */
export function saveWorkFolder(path: string): void {
  core.saveState(workFolderKey, path);
}

/** The folder that main saved, or null when it did not get that far. */
export function savedWorkFolder(): string | null {
  return core.getState(workFolderKey) || null;
}
