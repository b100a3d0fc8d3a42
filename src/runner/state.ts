import * as core from '@actions/core';

const workFolderKey = 'work-folder';

/** What main leaves for post of the same step. This module is the only reader and writer of the step's state. */
export function saveWorkFolder(path: string): void {
  core.saveState(workFolderKey, path);
}

const openRunKey = 'open-run';

/** Notes that this run has a journal that stands open, or (null) none any more; the last note counts. */
export function saveOpenRun(run: string | null): void {
  core.saveState(openRunKey, run ?? '');
}

/** The run whose journal main left open; null when there is nothing to finish. */
export function savedOpenRun(): string | null {
  return core.getState(openRunKey) || null;
}

/** The folder that main saved, or null when it did not get that far. */
export function savedWorkFolder(): string | null {
  return core.getState(workFolderKey) || null;
}
