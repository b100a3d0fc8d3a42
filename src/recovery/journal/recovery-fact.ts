import type { Recovery } from './recovery-request.ts';

/** The line in which a recovery ends. */
export function recoveryFact(recovery: Recovery): string {
  switch (recovery.method) {
    case 'none':
      return recovery.result === 'stopped'
        ? `stopped: ${recovery.because}`
        : `nothing to undo: ${recovery.because}`;
    case 'history':
      return 'history; the failed row was taken out, nothing else had changed';
    case 'swap':
      return `swap; schema and history as before; failed state kept as ${recovery.swapped?.failedName ?? ''}`;
  }
}
