import type { Checkout } from '../system/checkout.ts';
import type { Secret } from '../system/secret.ts';
import type { OwnTables } from './baseline.ts';

/** How a replay of migrations on an empty database ended. */
export type Replay =
  | { readonly isWhole: true }
  | { readonly isWhole: false; readonly migration: string | null; readonly message: string };

/**
 * The project as `check` looks at it: nothing of it ever writes to the target. Errors are SafeMigrateErrors;
 * SM_PRISMA_DIFF when Prisma could not compare.
 */
export interface CheckedProject {
  readonly version: string;
  /** The URL that Migrate would use; null when the job has none (a pull request from a fork). */
  readonly url: Secret | null;
  /** Schema that holds `_prisma_migrations`. */
  readonly historySchema: string;
  readonly ownTables: OwnTables;
  /** Absolute path of the schema file or folder. */
  readonly schemaPath: string;
  readonly migrationsDirectory: string;
  /** In the order in which Prisma applies them. */
  readonly migrationNames: readonly string[];
  /** What of it may be read. */
  readonly checkout: Checkout;
  /** What `prisma migrate status` prints about the target, for people. */
  status(signal: AbortSignal): Promise<string>;
  /** Runs `migrate deploy` with the migrations `names` on an empty database that this run made. */
  replay(scratch: Secret, names: readonly string[], signal: AbortSignal): Promise<Replay>;
  /** SQL that the migrations lack to say what schema.prisma says; null when they say the same. */
  missingMigration(replayed: Secret, signal: AbortSignal): Promise<string | null>;
  /** Whether driftScript runs the migrations on `shadow` by itself, and so needs no `replayed`. */
  readonly driftReplays: boolean;
  /**
   * SQL that takes the target to what the migrations `names` make, as far as Prisma models it; empty when that is the
   * same. `replayed` is a database that holds these migrations, `shadow` an empty one that Prisma may reset; both were
   * made by this run, and the one that is not needed may be null.
   */
  driftScript(
    request: {
      readonly target: Secret;
      readonly names: readonly string[];
      readonly replayed: Secret | null;
      readonly shadow: Secret | null;
    },
    signal: AbortSignal,
  ): Promise<string>;
}
