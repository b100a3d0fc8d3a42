import type { DriftReport } from '../report/check-report.ts';
import type { Secret } from '../system/secret.ts';
import type { DatabaseAddress } from './address.ts';

/** A database that this run made on the scratch server. Dropped with the server. */
export interface ScratchDatabase {
  readonly name: string;
  /** For Prisma; its `schema` is the target's. */
  readonly url: Secret;
}

/** Which cluster answers; equal for two roads to the same server, and for its replicas. */
export interface ServerIdentity {
  /** Of the cluster; its physical copies have the same. */
  readonly systemIdentifier: string;
}

/** A database as far as a schema can be compared. */
export interface ComparedSchema {
  readonly text: string;
  readonly owner: string;
  readonly extensions: readonly { readonly name: string; readonly schema: string }[];
}

/**
 * The server of `shadow-database-url`: the only one on which `check` makes anything, and only databases of its own,
 * never the one that the URL names. Disposing drops them; what cannot be dropped is a warning.
 */
export interface ScratchServer extends AsyncDisposable {
  readonly address: DatabaseAddress;
  readonly identity: ServerIdentity;
  readonly serverMajor: number;
  /** Makes an empty database whose URL says `schema`. Rejects with SM_SCRATCH. */
  create(schema: string): Promise<ScratchDatabase>;
  /** What a scratch database holds now. */
  schemaOf(database: ScratchDatabase, signal: AbortSignal): Promise<ComparedSchema>;
  /**
   * How `actual` differs from what the migrations made in `expected`, and the SQL that takes it back, tried on a copy of
   * `actual` that is made here. `schema` is that of the target's URL.
   */
  compare(
    request: {
      readonly actual: ComparedSchema;
      readonly expected: ScratchDatabase;
      readonly schema: string;
      readonly prismaScript: string;
    },
    signal: AbortSignal,
  ): Promise<DriftReport>;
}
