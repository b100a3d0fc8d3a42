import type { LockHolder } from './work-session.ts';

/** What a server says about itself and the database that one is in, so that people can tell it from another. */
export interface ServerPlace {
  readonly database: string;
  /** As the server itself knows it (in a container: its own network's); null on a socket. */
  readonly address: string | null;
  readonly port: number | null;
  /** e.g. `15.18`. */
  readonly version: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Differs between clusters, is the same on a standby; null when the role may not read it. */
  readonly systemIdentifier: string | null;
}

/** The session that was led to a meeting point. */
export interface Visitor {
  readonly applicationName: string;
  /** Network address it came from, as the server sees it; null on a socket or for a session of another role. */
  readonly address: string | null;
}

/** A place in the target at which somebody who came another way can be met. Disposing lets the visitor go on. */
export interface MeetingPoint extends AsyncDisposable {
  readonly server: ServerPlace;
  /** SQL that changes nothing: run in the target it waits to be met, run anywhere else it fails and says where. */
  readonly script: string;
  /** Whoever waits here now; nobody else can know of this place. */
  visitor(): Promise<Visitor | null>;
  /** Whoever waits for Prisma's lock, where it is held here to keep migrators out; he gives up after ten seconds. */
  waitingMigrator(): Promise<LockHolder | null>;
  /** Which other server the script was run on, out of what the tool that ran it printed; null when it does not say. */
  otherServerIn(output: string): ServerPlace | null;
}
