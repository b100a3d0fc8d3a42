import type { DeployResult } from '../../prisma/migrator.ts';
import type { Begun } from './evidence.ts';

/**
 * Codes with which Prisma ends before any script: it did not get in (P1000, P1001, P1003, P1010), did not get its lock
 * (P1002), or refused what it found (P3005, P3009, P3015, P3019).
 */
const nothingRan = new Set(['P1000', 'P1001', 'P1002', 'P1003', 'P1010', 'P3005', 'P3009', 'P3015', 'P3019']);

/** Words that Prisma says once a script runs. A P3018 says that one has failed. */
const scriptRan = /^Applying migration `|^Migration name: |have been (?:successfully )?applied/m;

/**
 * Whether a script has begun, by what the migrator said. `changedHistory`: null when the history is as before. A migrator that was
 * cut off says nothing any more, and one that ended with another code may have been cut off by the server.
 */
export function begunBy(
  {
    deployed,
    migrator,
  }: {
    readonly deployed: DeployResult;
    readonly migrator: { readonly kind: 'prisma' | 'command' };
  },
  changedHistory: unknown,
): Begun {
  const { exitCode, errorCode, output } = deployed;
  if (migrator.kind === 'command' || changedHistory !== null) return 'yes';
  if (errorCode === 'P3018' || scriptRan.test(output)) return 'yes';
  return exitCode !== null && errorCode !== null && nothingRan.has(errorCode) ? 'no' : 'maybe';
}
