import type { TargetPort } from '../../database/database.ts';
import { formatDuration } from '../../report/quantity.ts';

/** Less is said of no clock: a question takes its time. */
const toleratedMs = 2 * 60_000;

/**
 * The time by the server's clock. Backups carry it, so their age is told by it and by no runner's: one whose clock is ahead
 * would remove what is minutes old. Where both are minutes apart, `warn` hears of it.
 */
export async function serverNow(
  database: Pick<TargetPort, 'serverTime'>,
  warn?: (line: string) => void,
): Promise<Date> {
  const asked = Date.now();
  const now = await database.serverTime();
  const apartMs = Math.round((asked + Date.now()) / 2) - now.getTime();
  if (Math.abs(apartMs) > toleratedMs) {
    const which = apartMs > 0 ? 'ahead of' : 'behind';
    warn?.(
      `the clock of this runner is ${formatDuration(Math.abs(apartMs))} ${which} the server's (${now.toISOString()}): ages of backups go by the server's`,
    );
  }
  return now;
}
