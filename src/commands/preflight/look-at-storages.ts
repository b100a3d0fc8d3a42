import type { PhaseLog } from '../../report/run-log.ts';
import type { Storage } from '../../storage/port/storage.ts';
import type { CommandContext } from '../shared/context.ts';
import type { ProblemList } from './problem-list.ts';

/** For how long the storages' credentials should last: what is not data, and dump, proof and upload at a slow 20 MB/s. */
const baseMinutes = 15;
const bytesPerMinute = 20e6 * 60;

/** Whether each storage can be written to for as long as a target of this size takes. */
export async function lookAtStorages(
  context: CommandContext,
  storages: readonly Storage[],
  sizeBytes: number,
  problems: ProblemList,
  log: PhaseLog,
): Promise<void> {
  const neededMinutes = baseMinutes + Math.ceil(sizeBytes / bytesPerMinute);
  await Promise.all(
    storages.map((storage) =>
      problems.attempt(async () => {
        for (const warning of await storage.check(context.signal, neededMinutes)) log.warn(warning);
        log.detail(`${storage.url} can be written to`);
      }),
    ),
  );
}
