import type { DeployResult } from '../prisma/migrator.ts';

/** By what the sessions of this run's migrator are known. */
export interface OwnWork {
  readonly deployed: Pick<DeployResult, 'localPorts' | 'errorCode'>;
  readonly run: string;
  /** The server's clock before the migrator was started, ISO 8601 with milliseconds. */
  readonly since: string;
  /** What it was to run; empty where that is not known any more. */
  readonly scripts: readonly string[];
}

/** What is left of a migration once its processes are gone. */
export interface Quiet {
  /** Somebody else deploys, or did so while ours waited for Prisma's lock. */
  readonly foreignDeploy: boolean;
  /** Why something that may be ours is still at work and may commit at any time; null when nothing is. */
  readonly stillWorking: string | null;
}
