import * as core from '@actions/core';
import { messageOf } from '../system/errors.ts';
import { savedWorkFolder } from './state.ts';
import { removeWorkFolder } from './work-folder.ts';

/**
 * Removes from the disk what a killed main left there. Clean-up fails softly: the result of the step is main's,
 * and the runner empties RUNNER_TEMP itself.
 */
export async function cleanUp(): Promise<void> {
  const folder = savedWorkFolder();
  if (folder === null) return;
  try {
    await removeWorkFolder(folder);
  } catch (error) {
    core.warning(`The work folder could not be removed: ${messageOf(error)}`);
  }
}
