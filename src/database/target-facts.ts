import type { DatabaseProperties } from './properties.ts';

/** One thing that closes a way of recovery, or all of them. */
export interface Obstacle {
  readonly code: `SM_${string}`;
  readonly message: string;
  readonly hint: string;
  /** `all`: without its being removed nothing can be done; otherwise only these ways are closed. */
  readonly closes: 'all' | readonly ('swap' | 'history')[];
  /** It is about a copy of what is there now: a rollback, which restores something else, does not mind. */
  readonly ofCopy?: true;
  /** Whether it closes them is not known before the backup is proved: a platform may allow more than PostgreSQL does. */
  readonly isDoubt?: true;
}

/** How many connections there may be somewhere, and how many there are that are not this run's. */
export interface ConnectionRoom {
  readonly of: 'database' | 'role' | 'server';
  /** For people, e.g. `role app`. */
  readonly name: string;
  readonly limit: number;
  readonly others: number;
  /** How to make more room. */
  readonly remedy: string;
}

/** What preflight wants to know about the target. */
export interface TargetFacts {
  readonly oid: number;
  readonly sizeBytes: number;
  readonly tableCount: number;
  readonly mayCreateDatabases: boolean;
  readonly obstacles: readonly Obstacle[];
  /** Every limit that binds this role. */
  readonly connections: readonly ConnectionRoom[];
  /** The server's clock when it was asked; ISO 8601. */
  readonly serverTime: string;
  /** What no recovery takes back; sentences for people. */
  readonly warnings: readonly string[];
  readonly properties: DatabaseProperties;
}

/** A role of the server, which belongs to no database. */
export interface ServerRole {
  readonly name: string;
  /** Of its attributes, settings and memberships. */
  readonly digest: string;
}
