import type { LockPort, RunLock } from '../../database/database.ts';
import type { CommandContext } from './context.ts';

/** Takes the run's lock on the target under this run's name. Rejects with SM_LOCKED, naming who has it. */
export function takeLock(
  { run, log }: Pick<CommandContext, 'run' | 'log'>,
  database: Pick<LockPort, 'lock'>,
): Promise<RunLock> {
  return database.lock({
    run: run.id,
    description: run.description,
    startedAt: run.startedAt.toISOString(),
    onLeftBehind: (line) => log.warn(line),
  });
}
