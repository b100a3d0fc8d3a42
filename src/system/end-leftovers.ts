import { readdir, readFile } from 'node:fs/promises';

/**
 * Kills the processes of this machine that were started with `NAME=value` in their environment, and returns how many:
 * what a killed parent left running. Linux only; elsewhere nothing is found, and 0 is returned.
 */
export async function endLeftovers(name: string, value: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const wanted = `${name}=${value}`;
  const ids = (await readdir('/proc')).filter((id) => /^\d+$/.test(id) && Number(id) !== process.pid);
  let ended = 0;
  for (const id of ids) {
    // Another user's, or gone by now.
    const environment = await readFile(`/proc/${id}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(wanted)) continue;
    try {
      process.kill(Number(id), 'SIGKILL');
      ended += 1;
    } catch {
      // It ended while we looked.
    }
  }
  return ended;
}
