import type { z } from 'zod';
import type { DatabaseAddress, ServerVersion, Unreachable } from './address.ts';
import type { DatabaseProperties } from './properties.ts';
import type { ServerIdentity } from './scratch-server.ts';
import type { TargetFacts } from './target-facts.ts';

/** The target itself, and the server that it lives on. */
export interface TargetPort {
  readonly address: DatabaseAddress;
  readonly server: ServerVersion;
  /** e.g. `tools 15.18 in /usr/lib/postgresql/15/bin`. */
  readonly toolsFact: string;
  /** Warnings that came up while choosing tools (old minor version, newer major, …). */
  readonly toolsWarnings: readonly string[];
  /**
   * Why the target cannot be connected to; null when it can. Not null only where a database was opened for a
   * rollback: then questions about databases are asked elsewhere, and whatever needs the target rejects.
   */
  readonly unreachable: Unreachable | null;
  /** Runs a query in the target and parses every row (a JSON object). */
  query<T>(sql: string, row: z.ZodType<T>): Promise<readonly T[]>;
  execute(sql: string): Promise<void>;
  /** Ends the question that is being asked of the target, which then rejects; the next one is asked as ever. */
  interrupt(): void;
  inspect(): Promise<TargetFacts>;
  properties(): Promise<DatabaseProperties>;
  /** Which cluster answers. */
  identity(): Promise<ServerIdentity>;
  /** The server's clock now; needs no target. */
  serverTime(): Promise<Date>;
}
