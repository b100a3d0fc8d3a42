import type { PhaseLog } from '../../report/run-log.ts';

/** Below that, nothing that is decided by time comes out otherwise. */
const toleratedMs = 120_000;

/** Says when the runner's clock is minutes away from the server's: names of runs and backups carry the runner's. */
export function lookAtClock(serverTime: string, runnerTime: Date, log: Pick<PhaseLog, 'warn'>): void {
  const aheadMs = runnerTime.getTime() - Date.parse(serverTime);
  if (Math.abs(aheadMs) < toleratedMs) return;
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  log.warn(
    `the clock of this runner is ${minutes} minutes ${aheadMs > 0 ? 'ahead of' : 'behind'} the server's (${serverTime}): names of backups and runs carry the wrong time. Set it right (NTP)`,
  );
}
