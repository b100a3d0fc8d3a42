import { existsSync } from 'node:fs';

/**
 * How a shell command of the user's is run: as a `run:` step of the runner runs it, which ends at the first line that
 * fails. Images without bash have sh.
 */
export function shellFor(command: string): { readonly file: string; readonly arguments: readonly string[] } {
  const bash = ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path));
  return bash === undefined
    ? { file: 'sh', arguments: ['-e', '-c', command] }
    : { file: bash, arguments: ['--noprofile', '--norc', '-eo', 'pipefail', '-c', command] };
}
