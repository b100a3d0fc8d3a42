import type { Plugin } from 'rolldown';

/**
 * Packages that the artifact client loads to make and read zip files, and some seventy that they bring. Artifacts
 * are sent as they are and read by our own code, so none of it is ever called, and nobody should have to review it.
 */
const leftOut: ReadonlySet<string> = new Set(['archiver', 'unzip-stream']);
const prefix = '\0left-out:';

/** Puts an empty module in the place of each; whoever calls it after all gets a TypeError. */
export function leaveOut(): Plugin {
  return {
    name: 'left-out',
    resolveId: (source) => (leftOut.has(source) ? `${prefix}${source}` : null),
    load: (id) => (id.startsWith(prefix) ? 'export default {};' : null),
  };
}
