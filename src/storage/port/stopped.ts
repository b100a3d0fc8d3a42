import { SafeMigrateError } from '../../system/errors.ts';

/** Why a signal ended work: its own reason where that is one of ours. `url` names what was worked on. */
export function stoppedBy(signal: AbortSignal, url: string): SafeMigrateError {
  if (signal.reason instanceof SafeMigrateError) return signal.reason;
  return new SafeMigrateError({
    code: 'SM_STORAGE_STOPPED',
    message: `work on ${url} was stopped before it was done`,
    hint: 'The run was cancelled or another part of it failed; nothing was left behind in the storage.',
    docs: 'storage.md',
    cause: signal.reason,
  });
}
