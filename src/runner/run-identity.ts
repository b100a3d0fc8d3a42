import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import type { RunIdentity } from '../commands/shared/context.ts';
import type { GitHubContext } from './github-context.ts';

/** 2020-01-01T00:00:00Z in seconds; keeps the time part at six characters until 2088. */
const epochSeconds = 1_577_836_800;
const timeLength = 6;
const randomLength = 3;

/**
 * A run's id: seconds since 2020 and three random characters, base 36. Sorts by start, stands in database names
 * (63 bytes are few), and two attempts at the same second still differ.
 */
function runId(startedAt: Date): string {
  const time = (Math.floor(startedAt.getTime() / 1000) - epochSeconds).toString(36).padStart(timeLength, '0');
  const random = randomInt(36 ** randomLength)
    .toString(36)
    .padStart(randomLength, '0');
  return `${time}${random}`;
}

export function runIdentity(context: GitHubContext, startedAt: Date): RunIdentity {
  const where =
    context.repository === null || context.runId === null
      ? hostname()
      : `${context.repository} run ${context.runId}${context.attempt > 1 ? ` attempt ${context.attempt}` : ''}`;
  return {
    id: runId(startedAt),
    startedAt,
    description: where,
    url: context.runUrl,
    commit: context.commit,
  };
}
