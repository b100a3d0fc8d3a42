import type { ProcessExit } from './process.ts';

/** `exit code 1` or `signal SIGKILL`, for messages. */
export function describeExit(exit: Pick<ProcessExit, 'exitCode' | 'signal'>): string {
  return exit.signal === null ? `exit code ${exit.exitCode ?? 'unknown'}` : `signal ${exit.signal}`;
}
